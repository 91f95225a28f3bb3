package standins

// DynamoDB Local.

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// DynamoDBLocal starts DynamoDB Local, in memory, and returns its endpoint. It keeps a database for each access key and
// region: tests that use keys of their own do not see each other.
func DynamoDBLocal(t testing.TB) (endpoint string) {
	t.Helper()
	return dynamoDBLocal(t, nil)
}

// DynamoDBLocalUnder starts DynamoDB Local with further variables in its environment, say those of Debian's faketime.
func DynamoDBLocalUnder(t testing.TB, environment ...string) (endpoint string) {
	t.Helper()
	return dynamoDBLocal(t, environment)
}

func dynamoDBLocal(t testing.TB, environment []string) (endpoint string) {
	t.Helper()
	java := program(t, "java", "openjdk-17-jre-headless")
	jar := installed(t, "amplify-dynamodb-simulator/emulator/DynamoDBLocal.jar")
	for { // another program may take the port before this one has it
		port := freePort(t)
		cmd := exec.Command(java, "-Xmx1g", "-Djava.library.path="+filepath.Join(filepath.Dir(jar), "DynamoDBLocal_lib"),
			"-jar", jar, "-inMemory", "-disableTelemetry", "-port", strconv.Itoa(port))
		cmd.Dir = t.TempDir()
		cmd.Env = append(os.Environ(), environment...)
		endpoint = "http://127.0.0.1:" + strconv.Itoa(port)
		p := start(t, cmd)
		taken := false
		p.await(t, "answer", func() bool {
			taken = strings.Contains(p.said(), "Address already in use")
			return taken || isDynamoDB(endpoint)
		})
		if !taken {
			return endpoint
		}
		p.end()
	}
}

// isDynamoDB says whether it is DynamoDB that answers there: it wants a signature.
func isDynamoDB(endpoint string) bool {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	res, err := client.Get(endpoint)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return err == nil && strings.Contains(string(body), "com.amazonaws.dynamodb.v20120810#MissingAuthenticationToken")
}
