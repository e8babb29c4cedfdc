package broker_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/notifications/broker"
)

const hash = "$2a$04$kE5Zt2TQJqzC0wq5oYyP0uHhJcI5bkYf3XbqfH3Ew1vJvYqk1rN7K"

// What is wrong in a file is named.
func TestMistakesInTheFileOfSubscribersAreNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "subscribers.json")
	for body, want := range map[string]string{
		`{`:                            "unexpected EOF",
		`{"users": []} x`:              "something follows",
		`{"users": [{"nam": "ani"}]}`:  `unknown field "nam"`,
		`{"users": [{"name": "Ani"}]}`: `name "Ani": want 1 to 32 lower-case letters`,
		`{"users": [{"name": "a.b"}]}`: `name "a.b"`,
		`{"users": [{"name": "a_b"}]}`: `name "a_b"`,
		`{"users": [{"name": ""}]}`:    `name ""`,
		`{"users": [{"name": "ani", "password": "clear"}]}`:                                                                                                                   "user ani: password is no bcrypt hash",
		`{"users": [{"name": "ani", "password": "` + hash + `"}]}`:                                                                                                            "user ani: subjects is empty",
		`{"users": [{"name": "ani", "password": "` + hash + `", "subjects": [">"]}]}`:                                                                                         `user ani: subject ">" is not within ledger.events.>`,
		`{"users": [{"name": "ani", "password": "` + hash + `", "subjects": ["ledger.events.a b"]}]}`:                                                                         "is not within",
		`{"users": [{"name": "ani", "password": "` + hash + `", "subjects": ["$JS.API.>"]}]}`:                                                                                 "is not within",
		`{"users": [{"name": "a", "password": "` + hash + `", "subjects": ["ledger.events.>"]}, {"name": "a", "password": "` + hash + `", "subjects": ["ledger.events.>"]}]}`: `user "a" is there twice`,
	} {
		writeFile(t, path, body)
		if _, err := broker.ReadUsers(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", body, err)
		}
	}
	if _, err := broker.ReadUsers(path + ".missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func TestSubscribersAreAddedAndRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "subscribers.json")
	var users broker.Users
	password, err := users.Add("ani", []string{"ledger.events.>"})
	must(t, err)
	if _, err := users.Add("ani", []string{"ledger.events.>"}); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("twice: %v", err)
	}
	must(t, users.Write(path))
	body, err := os.ReadFile(path)
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	if strings.Contains(string(body), password) || info.Mode().Perm() != 0o600 || len(password) < 20 {
		t.Errorf("mode %v, password %q in %s", info.Mode(), password, body)
	}
	users, err = broker.ReadUsers(path)
	must(t, err)
	must(t, users.Remove("ani"))
	if err := users.Remove("ani"); err == nil {
		t.Error("removed twice")
	}
	must(t, users.Write(path))
	if users, err = broker.ReadUsers(path); err != nil || len(users.Users) != 0 {
		t.Errorf("left are %v, %v", users, err)
	}
}

func writeFile(t testing.TB, path, body string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(body), 0o600))
}
