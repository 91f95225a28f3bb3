package installed_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const sandboxAddress = "127.0.0.1:4566"

// readme is the lines of the shell block under a heading of README.md.
func readme(t *testing.T, heading string) []string {
	t.Helper()
	text, err := os.ReadFile(top + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	_, block, ok2 := strings.Cut(section, "```sh\n")
	block, _, ok3 := strings.Cut(block, "```")
	if !ok || !ok2 || !ok3 {
		t.Fatalf("README.md has no block under %q", heading)
	}
	return strings.Split(strings.TrimSpace(block), "\n")
}

// TestInstalledOnABootedSystemd lives a package's life: each step stands on the one before.
func TestInstalledOnABootedSystemd(t *testing.T) {
	needed(t, os.Geteuid() == 0, "booting a systemd takes root")
	needsProgram(t, "systemd-nspawn", "nsenter", "dpkg-deb", "curl")
	deb := built(t, "*.deb")
	m := boot(t)
	m.env = "sudo() { \"$@\"; }; export AWS_ENDPOINT_URL=http://" + sandboxAddress + " AWS_ACCESS_KEY_ID=operator AWS_SECRET_ACCESS_KEY=secret AWS_REGION=us-east-1 BUCKET=inventory\n"

	before := m.named()
	m.put(deb, "/root/inventoryd.deb")
	m.put(top+"/dist/inventoryd-linux-amd64", "/opt/src/bin/inventoryd")
	for _, file := range []string{"config.example.yaml", "systemd/inventoryd.service"} {
		m.put(top+"/"+file, "/opt/src/"+file)
	}
	m.must("systemd-run --unit=stand-ins /opt/src/bin/inventoryd sandbox --listen " + sandboxAddress)
	m.until("the stand-ins", "curl -s -o /dev/null http://"+sandboxAddress)
	m.must(`mkdir -p /etc/systemd/system/inventoryd.service.d
printf '[Service]\nEnvironment=AWS_ENDPOINT_URL=%s AWS_ACCESS_KEY_ID=daemon AWS_SECRET_ACCESS_KEY=secret AWS_REGION=us-east-1\n' $AWS_ENDPOINT_URL > /etc/systemd/system/inventoryd.service.d/stand-ins.conf`)

	m.asREADMESays()
	m.debInstalled()
	m.feedIsLoadedAndTold("first.csv", "Lamp")
	m.reloads()
	m.killed()
	m.watchdogBites()
	m.sandboxIsInForce()
	m.stops()
	m.upgradedAndPurged(deb, before)
}

// asREADMESays runs the README's lines as they are written there, and takes away again what they install.
func (m *machine) asREADMESays() {
	m.Helper()
	for _, line := range readme(m.T, "Install") {
		if line != "make build" {
			m.must("cd /opt/src; " + line)
		}
	}
	m.must("systemctl daemon-reload; inventoryd setup")
	for _, line := range readme(m.T, "Configure and run") {
		m.Logf("%s\n%s", line, m.must(line))
	}
	m.until("active after the README's lines", "systemctl is-active inventoryd") // the reload may still be under way
	m.must(`systemctl disable --now inventoryd
rm -r /usr/bin/inventoryd /etc/inventoryd /etc/systemd/system/inventoryd.service /usr/share/bash-completion/completions/inventoryd /usr/share/man/man8/inventoryd.8 /var/lib/private/inventoryd
systemctl daemon-reload`)
}

func (m *machine) debInstalled() {
	m.Helper()
	m.must("dpkg -i /root/inventoryd.deb")
	if state := m.property("ActiveState"); state != "inactive" {
		m.Errorf("a first installation starts nothing, but the unit is %s", state)
	}
	m.must("man -w inventoryd; test -s /usr/share/bash-completion/completions/inventoryd; inventoryd config validate; systemd-analyze verify inventoryd.service")
	m.must("systemctl enable --now inventoryd") // it returns at READY
	if m.property("ActiveState") != "active" || m.property("SubState") != "running" {
		m.Fatal(m.journal())
	}
	m.until("ready", "curl -sf http://127.0.0.1:9820/readyz")
	m.Log(m.property("StatusText"))
}

// feedIsLoadedAndTold uploads a feed and waits for the message at the subscriber's.
func (m *machine) feedIsLoadedAndTold(object, item string) {
	m.Helper()
	m.must(fmt.Sprintf("printf 'store,item,count\\nTown of %[1]s,%[1]s,0\\n' | curl -sf -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --user op:secret --data-binary @- $AWS_ENDPOINT_URL/inventory/%[2]s", item, object))
	took := m.until("the alert", `curl -sf --aws-sigv4 aws:amz:us-east-1:sqs --user op:secret -H 'Content-Type: application/x-amz-json-1.0' -H 'X-Amz-Target: AmazonSQS.ReceiveMessage' \
-d '{"QueueUrl":"http://`+sandboxAddress+`/123456789012/nostock-inbox","MaxNumberOfMessages":10}' $AWS_ENDPOINT_URL | tee -a /root/inbox > /dev/null; grep -q 'Town of `+item+` is out of stock of `+item+`' /root/inbox`)
	m.Logf("%s was told %s after its upload", item, took.Round(time.Millisecond))
}

func (m *machine) reloads() {
	m.Helper()
	m.must("sed -i 's/^  # level: info$/  level: debug/; s/^  level: info$/  level: debug/' /etc/inventoryd/config.yaml; grep -q 'level: debug' /etc/inventoryd/config.yaml; systemctl reload inventoryd")
	m.until("the reload", `journalctl -u inventoryd -o cat --no-pager | grep -q '"msg":"configuration reloaded","changed":\["log.level"\]'`)
	m.must("cp /etc/inventoryd/config.yaml /root/good.yaml; echo 'nonsense: 1' >> /etc/inventoryd/config.yaml; systemctl reload inventoryd || true")
	m.until("the refusal", `journalctl -u inventoryd -o cat --no-pager | grep -q '"msg":"configuration not reloaded"'`)
	m.must("systemctl is-active inventoryd; cp /root/good.yaml /etc/inventoryd/config.yaml; systemctl reload inventoryd")
}

// killed kills the daemon at once: it is started again, and reads where it was.
func (m *machine) killed() {
	m.Helper()
	before := m.property("MainPID")
	m.must("systemctl kill -s KILL --kill-who=main inventoryd")
	m.until("another process", `p=$(systemctl show inventoryd --value -p MainPID); test "$p" != `+before+` -a "$p" != 0 && systemctl is-active inventoryd`)
	const messages = `journalctl -u inventoryd _PID=$(systemctl show inventoryd --value -p MainPID) -o json --no-pager `
	m.until("reading", messages+`| grep -q 'reading a shard'`)
	started := m.microseconds(`systemctl show inventoryd --value -p ExecMainStartTimestampMonotonic`)
	reading := m.microseconds(messages + `| grep 'reading a shard' | head -1 | grep -o '"__MONOTONIC_TIMESTAMP":"[0-9]*"' | grep -o '[0-9]*'`)
	took := reading - started
	m.Logf("restarts: %s; it read again %s after its start", m.property("NRestarts"), took)
	if took > 12*time.Second { // without its predecessor's lock it waits for a lease of 15 s; on a quiet machine it takes less than 2 s
		m.Errorf("it read again only %s after its start: it has not known its predecessor", took)
	}
	m.feedIsLoadedAndTold("second.csv", "Kettle")
}

// microseconds is the number that a script prints, as a time.
func (m *machine) microseconds(script string) time.Duration {
	m.Helper()
	n, err := strconv.ParseInt(m.must(script), 10, 64)
	if err != nil {
		m.Fatal(err)
	}
	return time.Duration(n) * time.Microsecond
}

// watchdogBites stops the process without ending it: none of its loops turns.
func (m *machine) watchdogBites() {
	m.Helper()
	m.must(`printf '[Service]\nWatchdogSec=2s\nTimeoutAbortSec=2s\n' > /etc/systemd/system/inventoryd.service.d/watchdog.conf; systemctl daemon-reload; systemctl restart inventoryd`)
	before := m.property("MainPID")
	m.must("kill -STOP " + before)
	took := m.until("the watchdog", `p=$(systemctl show inventoryd --value -p MainPID); test "$p" != `+before+` -a "$p" != 0 && systemctl is-active inventoryd`)
	m.must(`journalctl -u inventoryd --no-pager | grep -q 'Watchdog timeout (limit 2s)'`)
	m.Logf("a process that stands still was replaced after %s (WatchdogSec=2s)", took.Round(time.Millisecond))
	m.must("rm /etc/systemd/system/inventoryd.service.d/watchdog.conf; systemctl daemon-reload; systemctl restart inventoryd")
}

// sandboxIsInForce lets it write where everybody may, but for the unit's sandbox, and where it may.
func (m *machine) sandboxIsInForce() {
	m.Helper()
	m.must("mkdir -m 777 /srv/open; cp /etc/inventoryd/config.yaml /root/good.yaml; sed -i 's|^  # rejects: .*|  rejects: /srv/open|; s|^  rejects: .*|  rejects: /srv/open|' /etc/inventoryd/config.yaml; grep -q /srv/open /etc/inventoryd/config.yaml")
	if out, err := m.try("systemctl restart inventoryd"); err == nil {
		m.Errorf("it may write to /srv/open: %s", out)
	}
	if status := m.property("ExecMainStatus"); status != "2" {
		m.Errorf("the exit status is %s; 2 keeps systemd from trying for ever\n%s", status, m.journal())
	}
	m.must("sed -i 's|/srv/open|/var/lib/inventoryd|' /etc/inventoryd/config.yaml; systemctl restart inventoryd")
	m.must(`printf 'store,item,count\nOslo,Fan,many\nOslo,Cup,1\n' | curl -sf -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --user op:secret --data-binary @- $AWS_ENDPOINT_URL/inventory/bad.csv`)
	m.until("the report", "ls /var/lib/private/inventoryd/ | grep -q bad.csv")
	pid := m.property("MainPID")
	m.must("grep -q '^Seccomp:.2$' /proc/" + pid + "/status; grep -q '^CapEff:.0000000000000000$' /proc/" + pid + "/status; grep -q '^NoNewPrivs:.1$' /proc/" + pid + "/status; test \"$(stat -c %U /proc/" + pid + ")\" != root")
	m.must("cp /root/good.yaml /etc/inventoryd/config.yaml; systemctl restart inventoryd")
}

func (m *machine) stops() {
	m.Helper()
	began := time.Now()
	m.must("systemctl stop inventoryd")
	took := time.Since(began)
	if m.property("Result") != "success" || m.property("ExecMainStatus") != "0" || took > 40*time.Second {
		m.Errorf("stopped after %s: %s, exit %s", took, m.property("Result"), m.property("ExecMainStatus"))
	}
	m.Logf("stopped after %s", took.Round(time.Millisecond))
	m.must("systemctl start inventoryd")
}

// upgradedAndPurged upgrades to a package whose configuration differs from the one that was changed here, and then purges it:
// what has the daemon's name is what had it before.
func (m *machine) upgradedAndPurged(deb string, before []string) {
	m.Helper()
	dir := m.TempDir()
	run(m.T, fmt.Sprintf("dpkg-deb -R %s %s/next; sed -i 's/^Version: .*/Version: 9.9.9-1/' %[2]s/next/DEBIAN/control; echo '# new' >> %[2]s/next/etc/inventoryd/config.yaml; dpkg-deb --root-owner-group -Znone -b %[2]s/next %[2]s/next.deb", deb, dir))
	m.put(dir+"/next.deb", "/root/next.deb")
	pid, sum := m.property("MainPID"), m.must("md5sum /etc/inventoryd/config.yaml")
	m.must("DEBIAN_FRONTEND=noninteractive dpkg -i --force-confold /root/next.deb < /dev/null")
	if m.must("dpkg-query -W -f '${Version}' inventoryd") != "9.9.9-1" || m.must("md5sum /etc/inventoryd/config.yaml") != sum {
		m.Error("the upgrade has not kept the configuration")
	}
	m.until("the new process", `p=$(systemctl show inventoryd --value -p MainPID); test "$p" != `+pid+` -a "$p" != 0 && systemctl is-active inventoryd`)
	m.feedIsLoadedAndTold("third.csv", "Bowl")

	m.must("dpkg -r inventoryd")
	if out, _ := m.try("systemctl is-active inventoryd"); out == "active" {
		m.Error("it runs on after its removal")
	}
	m.must("test -f /etc/inventoryd/config.yaml") // kept until the purge
	m.must("dpkg -P inventoryd")
	for _, file := range m.named() {
		if !slices.Contains(before, file) && !regexp.MustCompile(`^/var/log/|^/var/lib/dpkg/|^/run/log/`).MatchString(file) {
			m.Errorf("left behind: %s", file)
		}
	}
}

// named are the machine's files with the daemon's name, but for those of this test.
func (m *machine) named() []string {
	m.Helper()
	return strings.Split(m.must("find / -xdev \\( -path /proc -o -path /sys -o -path /root -o -path /opt -o -path /tmp \\) -prune -o -name '*inventoryd*' -print; true"), "\n")
}
