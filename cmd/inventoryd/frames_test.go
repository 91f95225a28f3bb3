package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"go.uber.org/zap"
	"golang.org/x/crypto/bcrypt"

	"inventoryd/internal/config"
	"inventoryd/internal/logs"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/web"
)

// What the frames show of the whole daemon: its answers over HTTP, its patience with CloudWatch, its logs.

func TestAnHourWithoutCloudWatchIsNotNoticed(t *testing.T) {
	for name, effect := range map[string]fault.Effect{"hangs": {Hang: true}, "fails": fault.Unavailable, "refuses us": fault.AccessDeniedJSON} {
		t.Run(name, func(t *testing.T) {
			var f *world
			inBubble(t, seldom, func(t *testing.T, w *world) {
				f = w
				mend := w.aws.Fault(fault.Rule{Service: "cloudwatch", Client: "daemon", Effect: effect})
				time.Sleep(hour() / 2)
				w.upload(t)
				time.Sleep(30 * time.Second)
				w.exact(t, map[string]int{}, 1)
				for _, path := range []string{"/livez", "/readyz"} {
					if code, body := w.daemon.ask(t, path); code != http.StatusOK {
						t.Errorf("%s: %d %s", path, code, body)
					}
				}
				time.Sleep(hour() / 2)
				mend()
			})
			if got := f.aws.Metrics.Statistics("RowsWritten"); got.Sum != 36 || got.Count < hour().Minutes() {
				t.Errorf("%v rows in %v data: what was counted meanwhile is pushed at the stop at the latest", got.Sum, got.Count)
			}
		})
	}
}

func TestADaemonThatStopsCanBeLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldHere(t)
		cfg := defaults()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- run(ctx, cfg, newClients(w.aws.Config("daemon"), cfg.AWS), host{listener: w.daemon, log: zap.NewNop(), started: func() {}})
		}()
		time.Sleep(time.Minute)
		w.aws.Fault(fault.Rule{Service: "dynamodb", Client: "daemon", Effect: fault.Effect{Hang: true}})
		w.upload(t)
		time.Sleep(time.Second)
		stop()
		time.Sleep(4 * time.Second) // it waits for writes
		for _, path := range []string{"/livez", "/metrics", "/status"} {
			if code, body := w.daemon.ask(t, path); code != http.StatusOK {
				t.Errorf("%s: %d %s", path, code, body)
			}
		}
		if len(ended) > 0 {
			t.Error("it has stopped already: nothing was shown")
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestRowsOfFeedsAreLoggedOnlyWhereAskedFor(t *testing.T) {
	for _, asked := range []bool{false, true} {
		log := &lockedBuffer{}
		synctest.Test(t, func(t *testing.T) {
			w := newWorldHere(t)
			cfg := defaults()
			cfg.Log.Rows = asked
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				ended <- run(ctx, cfg, newClients(w.aws.Config("daemon"), cfg.AWS), host{log: logs.New(cfg.Log, log, false).Logger, started: func() {}})
			}()
			w.putObject(t, "one.csv", "store,item,count\nBonn,Lamp,3\nBonn,planted item,planted count\n")
			w.putObject(t, "all.csv", "store,item,count\nBonn,planted item,planted count\n")
			time.Sleep(time.Minute)
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		said := log.String()
		if n := strings.Count(said, "planted"); asked && strings.Count(said, `"row":"Bonn,planted item,planted count"`) != 2 || !asked && n != 0 {
			t.Errorf("log.rows %v: %d times in\n%s", asked, n, said)
		}
		for _, want := range []string{`"reject_line":3,"reject_code":"count_invalid"`, `"reject_line":2,"reject_code":"count_invalid"`} {
			if !strings.Contains(said, want) {
				t.Errorf("log.rows %v: the log does not say where the first reject is, %s:\n%s", asked, want, said)
			}
		}
	}
}

func TestNothingTellsASecret(t *testing.T) {
	const password, key, token = "planted-password", "planted-secret-access-key", "planted-session-token"
	hash, err := bcrypt.GenerateFromPassword([]byte(password), 10)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder // all that anybody can read
	synctest.Test(t, func(t *testing.T) {
		f, log := newWorldHere(t), &lockedBuffer{}
		client := http.Client{Transport: &http.Transport{DialContext: f.daemon.DialContext, DisableKeepAlives: true}}
		cfg := defaults()
		cfg.Log.Level = "debug"
		cfg.HTTP.Auth = web.Auth{User: "op", Hash: config.Secret(hash)}
		base := f.aws.Config("daemon")
		base.Credentials = credentials.NewStaticCredentialsProvider("daemon", key, token)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- run(ctx, cfg, newClients(base, cfg.AWS), host{
				listener: f.daemon, log: logs.New(cfg.Log, log, false).Logger, started: func() {},
			})
		}()
		f.upload(t)
		time.Sleep(time.Minute)
		for _, service := range []string{"s3", "sqs", "sns", "dynamodb", "streams", "cloudwatch"} { // errors are talkative
			f.aws.Fault(fault.Rule{Service: service, Client: "daemon", Effect: fault.AccessDenied})
		}
		f.upload(t)
		time.Sleep(2 * time.Minute)
		for _, path := range []string{"/", "/livez", "/readyz", "/metrics", "/status", "/nowhere"} {
			for _, given := range []string{password, "wrong", ""} {
				r, err := http.NewRequestWithContext(t.Context(), "GET", "http://localhost"+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				if given != "" {
					r.SetBasicAuth("op", given)
				}
				res, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				probe := path == "/livez" || path == "/readyz" // answer anybody who gives no credentials, and then without reasons
				if (res.StatusCode == http.StatusUnauthorized) != (given != password && !(probe && given == "")) {
					t.Errorf("%s with %q: %d", path, given, res.StatusCode)
				}
				if err := res.Write(&said); err != nil {
					t.Fatal(err)
				}
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Error("run:", err)
		}
		said.WriteString(log.String())
	})
	if !strings.Contains(said.String(), "AccessDenied") || strings.Count(said.String(), "\n") < 100 {
		t.Fatalf("too little was said to find a secret in:\n%s", &said)
	}
	file := writeConfig(t, "http: {auth: {user: op, hash: '"+string(hash)+"'}}\n")
	for _, args := range [][]string{{"show"}, {"show", "-o", "json"}, {"validate"}} {
		out, err := runCLI(t, append(append([]string{"config"}, args...), "-c", file)...)
		fmt.Fprintln(&said, out, err)
	}
	for _, text := range []string{
		"http: {auth: {user: op, hash: " + password + "}}", "http: {auth: {user: op, hash: [" + password + "]}}",
		"http: {auth: {user: op, hash: {" + password + ": 1}}}", "http: {auth: {hash: " + string(hash) + "}}",
		"http: {auth: 'op:" + password + "'}", "http: op:" + password, password, "- " + password,
		"http: {auth: {user: op, hash: '" + string(hash) + "', hash: " + password + "}}", "http: {auth: {hsah: " + password + "}}",
		"aws: {endpoint: 'http://op:" + password + "@host'}",
	} {
		path := writeConfig(t, text)
		_, err := runCLI(t, "config", "validate", "-c", path)
		_, _, again := origin{path: path}.reload(defaults())
		if err == nil || again == nil {
			t.Errorf("%s is valid", text)
		}
		fmt.Fprintln(&said, err, again)
	}
	for _, set := range []string{"http.auth.hash=" + password, "http.auth.hash:" + password, "http.auth=" + password, "http.auth.hash= " + string(hash)} {
		_, err := runCLI(t, "config", "show", "--set", set)
		if err == nil {
			t.Errorf("%s is valid", set)
		}
		fmt.Fprintln(&said, err)
	}
	for _, variable := range []string{"INVENTORYD_HTTP_AUTH_HASH", "INVENTORYD_HTTP_AUTH_HSAH", "INVENTORYD_HTTP_AUTH"} {
		_, _, err := origin{environ: []string{variable + "=" + password}}.read()
		if err == nil {
			t.Errorf("%s is valid", variable)
		}
		fmt.Fprintln(&said, err)
	}
	for _, secret := range []string{password, key, token, string(hash), string(hash[7:])} {
		if i := strings.Index(said.String(), secret); i >= 0 {
			t.Errorf("%q is told: %s", secret, said.String()[max(0, i-200):i+50])
		}
	}
}
