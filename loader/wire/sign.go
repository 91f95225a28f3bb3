package wire

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// signing signs the calls of one connection. The SDK's signer signs the first of each second; the others of that second
// differ in their bodies alone, and so in one hash: they are signed by what it has done, without the work that is the same. That
// this is what it would do is seen at its own call; where it is not, it signs all of them.
type signing struct {
	signer *v4.Signer
	to     *target
	call   http.Request // what the SDK's signer signs

	creds  aws.Credentials
	second int64 // that the SDK's signer has signed a call of
	short  bool  // the others are signed the short way

	head   []byte // of Authorization, up to the signature
	scope  []byte // of the text that is signed, up to the hash
	before hash.Cloner
	key    hash.Hash // HMAC by the day's key
	text   []byte    // Authorization
}

// sign signs a call with a body of that hash. changed: it has other headers than the one before; always, Authorization is another.
func (s *signing) sign(ctx context.Context, creds aws.Credentials, sum [sha256.Size]byte) (authorization []byte, changed bool, err error) {
	now := time.Now()
	if s.short && s.second == now.Unix() && s.creds == creds {
		authorization, err = s.again(sum)
		return authorization, false, err
	}
	s.call.Header.Del("X-Amz-Security-Token")
	if err := s.signer.SignHTTP(ctx, creds, &s.call, hex.EncodeToString(sum[:]), s.to.service, s.to.region, now); err != nil {
		return nil, false, err
	}
	text := s.call.Header.Get("Authorization")
	s.second, s.creds = now.Unix(), creds
	s.short = s.learn(text)
	if s.short {
		short, err := s.again(sum)
		s.short = err == nil && string(short) == text
	}
	return append(s.text[:0], text...), true, nil
}

// learn takes apart what the SDK's signer has made of a call (Signature Version 4: "Create a signed AWS API request").
func (s *signing) learn(authorization string) bool {
	head, _, ok := strings.Cut(authorization, "Signature=")
	_, names, found := strings.Cut(head, "SignedHeaders=")
	region, service, scoped := scope(authorization)
	if !ok || !found || !scoped {
		return false
	}
	date := s.call.Header.Get("X-Amz-Date")
	if len(date) < 8 {
		return false
	}
	day := date[:8]
	names = strings.TrimSuffix(names, ", ")
	canonical := []byte(s.call.Method + "\n" + s.to.path + "\n\n")
	for name := range strings.SplitSeq(names, ";") {
		value := s.call.Header.Get(name)
		if name == "host" {
			value = s.call.Host
		}
		canonical = append(canonical, name+":"+value+"\n"...)
	}
	canonical = append(canonical, "\n"+names+"\n"...)
	before, ok := sha256.New().(hash.Cloner)
	if !ok {
		return false
	}
	before.Write(canonical)
	key := []byte("AWS4" + s.creds.SecretAccessKey)
	for _, part := range []string{day, region, service, "aws4_request"} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	s.head = append(append(s.head[:0], head...), "Signature="...)
	s.scope = append(s.scope[:0], "AWS4-HMAC-SHA256\n"+date+"\n"+day+"/"+region+"/"+service+"/aws4_request\n"...)
	s.before, s.key = before, hmac.New(sha256.New, key)
	return true
}

// again signs another call of the same second.
func (s *signing) again(sum [sha256.Size]byte) ([]byte, error) {
	h, err := s.before.Clone()
	if err != nil {
		return nil, err
	}
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], sum[:])
	h.Write(text[:])
	hex.Encode(text[:], h.Sum(sum[:0]))
	s.key.Reset()
	s.key.Write(s.scope)
	s.key.Write(text[:])
	s.text = hex.AppendEncode(append(s.text[:0], s.head...), s.key.Sum(sum[:0]))
	return s.text, nil
}
