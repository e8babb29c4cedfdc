package main

import (
	"crypto/ed25519"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/supportledger/supportledger/internal/ownaddress"
)

// A signer is one of those who vouch for each other at a NATS server: an operator
// for accounts, an account for its users.
type signer struct {
	kind byte // as NATS has it, shifted already
	key  ed25519.PrivateKey
}

const (
	natsAccount  = 0 << 3
	natsOperator = 14 << 3
	natsSeed     = 18 << 3
	natsUser     = 20 << 3
)

func newSigner(t *testing.T, kind byte) signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	return signer{kind, key}
}

func (s signer) name() string {
	return nkey(append([]byte{s.kind}, s.key.Public().(ed25519.PublicKey)...))
}

func (s signer) seed() string {
	return nkey(append([]byte{natsSeed | s.kind>>5, s.kind & 31 << 3}, s.key.Seed()...))
}

// nkey writes a key down as NATS does, with its checksum (CRC-16, XMODEM).
func nkey(key []byte) string {
	sum := uint16(0)
	for _, b := range key {
		sum ^= uint16(b) << 8
		for range 8 {
			if carry := sum&0x8000 != 0; carry {
				sum = sum<<1 ^ 0x1021
			} else {
				sum <<= 1
			}
		}
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(key, byte(sum), byte(sum>>8)))
}

// vouch is what a signer says about another.
func (s signer) vouch(t *testing.T, whom signer, says fields) string {
	t.Helper()
	says["version"] = 2
	body, err := json.Marshal(fields{"jti": "test", "iat": 1, "iss": s.name(), "sub": whom.name(), "name": "test", "nats": says})
	must(t, err)
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"ed25519-nkey"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(s.key, []byte(text)))
}

// credentials makes a user of an account, in a file as operators get it.
func (s signer) credentials(t *testing.T) (path string) {
	t.Helper()
	user := newSigner(t, natsUser)
	const form = "-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n"
	path = filepath.Join(t.TempDir(), "user.creds")
	must(t, os.WriteFile(path, fmt.Appendf(nil, form, s.vouch(t, user, fields{"type": "user", "subs": -1, "data": -1, "payload": -1}), user.seed()), 0o600))
	return path
}

// guardedNATS runs a server that lets in whom its operator's accounts vouch for, and
// returns its address and the account that keeps streams.
func guardedNATS(t *testing.T) (url string, account signer) {
	t.Helper()
	operator, system := newSigner(t, natsOperator), newSigner(t, natsAccount)
	account = newSigner(t, natsAccount)
	limits := fields{"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1}
	own := fields{"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
	for name, value := range limits {
		own[name] = value
	}
	at := ownaddress.Free(t)
	config := filepath.Join(t.TempDir(), "nats.conf")
	must(t, os.WriteFile(config, fmt.Appendf(nil, "listen: %q\noperator: %q\nsystem_account: %q\nresolver: MEMORY\nresolver_preload: {%s: %q, %s: %q}\njetstream {store_dir: %q}\n",
		at, operator.vouch(t, operator, fields{"type": "operator"}), system.name(),
		system.name(), operator.vouch(t, system, fields{"type": "account", "limits": limits}),
		account.name(), operator.vouch(t, account, fields{"type": "account", "limits": own}), t.TempDir()), 0o600))
	startNATS(t, config)
	return "nats://" + at, account
}

// A NATS server of the operator's own takes the ledger by a file of credentials, and
// nobody whom it does not know.
func TestTheFeedShowsItsCredentials(t *testing.T) {
	url, account := guardedNATS(t)
	stranger := newSigner(t, natsAccount).credentials(t)
	for what, options := range map[string][]nats.Option{"nobody": nil, "a stranger": {nats.UserCredentials(stranger)}} {
		if _, err := nats.Connect(url, options...); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s got %v", what, err)
		}
	}
	s := serve(t, t.TempDir(), "--nats-url", url, "--nats-creds", account.credentials(t))
	s.linked(10)
	waitUntil(t, "the feed is there", s.published)
	must(t, s.stop())
	s = serve(t, t.TempDir(), "--nats-url", url, "--nats-creds", stranger)
	s.linked(10)
	waitUntil(t, "it is told why there is no feed", func() bool { return strings.Contains(s.log.String(), "does not reach NATS") })
	if s.metric("supportledger_feed_connected") != "0" {
		t.Error("a stranger's credentials do")
	}
	must(t, s.stop())
}
