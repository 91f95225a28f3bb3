package standins

// DynamoDB Local.

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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

func dynamoDBLocal(t testing.TB, environment []string) string {
	t.Helper()
	java := program(t, "java", "openjdk-17-jre-headless")
	jar := installed(t, "amplify-dynamodb-simulator/emulator/DynamoDBLocal.jar")
	port := freePort(t)
	cmd := exec.Command(java, "-Xmx1g", "-Djava.library.path="+filepath.Join(filepath.Dir(jar), "DynamoDBLocal_lib"),
		"-jar", jar, "-inMemory", "-disableTelemetry", "-port", strconv.Itoa(port))
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), environment...)
	start(t, cmd)
	await(t, loopback(port), time.Minute)
	return "http://" + loopback(port)
}
