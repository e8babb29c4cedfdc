package main

import (
	"crypto/tls"
	"path/filepath"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/eventstore/esdbwire"
	"github.com/supportledger/supportledger/internal/ownaddress"
)

// A cluster that cannot be reached is named by its flag, with the reason and the
// way out, by whoever wants its log; no password is told, and nothing is made.
func TestAClusterThatCannotBeReachedIsNamed(t *testing.T) {
	cert, key := certificateFiles(t)
	another, _ := certificateFiles(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	must(t, err)
	users, listed := filepath.Join(t.TempDir(), "users.json"), esdbwire.Users{}
	password, err := listed.Add("ledger", esdbwire.Service)
	must(t, err)
	must(t, listed.Write(users))
	c := newCluster(t)
	c.stop()
	c.change = func(c *esdbwire.Config) {
		c.TLS, c.Users = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, users
	}
	c.start()
	url := func(password, address, root string) string {
		return "esdb://ledger:" + password + "@" + address + "?discoveryInterval=1&tlsCAFile=" + root
	}
	dir, keys := t.TempDir(), filepath.Join(t.TempDir(), "keys.json")
	succeed(t, "keys", "create", keys)
	s := serve(t, dir, "--no-mails", "--keys", keys, "--store", url(password, c.address, cert))
	must(t, s.stop())
	local := t.TempDir()
	must(t, serve(t, local, "--no-mails", "--keys", keys).stop())
	back := filepath.Join(t.TempDir(), "back")
	for name, test := range map[string]struct{ url, reason, patience string }{
		"address":  {url(password, ownaddress.Free(t), cert), "refused", "1s"},
		"password": {url("hunter2", c.address, cert), "authenti", "20s"}, // is refused at once
		"root":     {url(password, c.address, another), "certificate", "1s"},
	} {
		t.Run(name, func(t *testing.T) {
			for flag, args := range map[string][]string{
				"--store":  serveArgs(dir, []string{"--keys", keys, "--store", test.url}),
				"--store ": {"verify", "--data", dir, "--keys", keys, "--store", test.url},
				"--to":     {"copy", "--from", local, "--keys", keys, "--to", test.url},
				"--from":   {"copy", "--from", test.url, "--keys", keys, "--to", back},
			} {
				code, out, errs := command(append(args, "--store-patience", test.patience)...)
				for _, want := range []string{strings.TrimSpace(flag) + ": ", "cannot be reached", test.reason, "--store-patience"} {
					if code != exitFailed || !strings.Contains(errs, want) {
						t.Errorf("%v exits with %d and says nothing of %q: %s", args[0], code, want, errs)
					}
				}
				if told := out + errs; strings.Contains(told, "hunter2") || strings.Contains(told, password) {
					t.Errorf("R3: %v tells the password: %s", args[0], told)
				}
			}
			if exists(back) {
				t.Error("a refused copy has made a folder")
			}
		})
	}
	for _, patience := range []string{"soon", "0s", "-1s"} {
		for _, args := range [][]string{
			{"verify", "--data", dir, "--keys", keys, "--store", url(password, c.address, cert)},
			{"copy", "--from", local, "--keys", keys, "--to", url(password, c.address, cert)},
		} {
			fail(t, exitUsage, []string{"--store-patience", "such as 30s"}, append(args, "--store-patience="+patience)...)
		}
	}
}
