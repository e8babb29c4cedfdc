package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// A search looks for texts in everything that a ledger has said or kept.
type search struct {
	t     testing.TB
	said  map[string]string // where → what
	texts []string
	mails mailedFolder
}

// mustFindNone looks for the texts, however they may be written down.
func (s *search) mustFindNone(what string) {
	s.t.Helper()
	if len(s.said) < 10 {
		s.t.Fatalf("only %d places were searched", len(s.said))
	}
	for _, text := range s.texts {
		for _, written := range []string{text, base64.StdEncoding.EncodeToString([]byte(text)), fmt.Sprintf("%x", text)} {
			for where, said := range s.said {
				if i := strings.Index(said, written); i >= 0 {
					s.t.Errorf("%s: %q stands in %s: ...%q...", what, text, where, said[max(0, i-40):min(len(said), i+60)])
				}
			}
		}
	}
}

// keep remembers what a call has answered.
func (s *search) keep(from *server, as, method, path string, body any) {
	s.t.Helper()
	got, err := from.send(as, method, path, "search "+path, body)
	must(s.t, err)
	header := new(strings.Builder)
	must(s.t, got.header.Write(header))
	s.said[method+" "+path+" as "+as] = header.String() + string(got.body)
}

// files adds every file of a folder but keys and the letters that deliver IDs,
// and every record of its log, which the files hold compressed.
func (s *search) files(dir string) {
	s.t.Helper()
	if deliveries, letters := s.keepFiles(dir); deliveries != 1 || letters == 0 {
		s.t.Errorf("%d letters deliver IDs, %d others were searched", deliveries, letters)
	}
}

// keepFiles adds them, and counts the letters.
func (s *search) keepFiles(dir string) (deliveries, letters int) {
	s.t.Helper()
	for path, body := range filesOf(s.t, dir) {
		switch name := filepath.Base(path); {
		case name == "keys.json" || name == "people":
		case filepath.Base(filepath.Dir(path)) == "mail" && strings.Contains(body, "Contract ID:  "):
			deliveries++
		default:
			if strings.HasSuffix(name, ".eml") {
				letters++
			}
			s.said[path] = body
		}
	}
	if s.said[filepath.Join(dir, "nats", "jetstream", "$G", "streams", "LEDGER", "msgs", "1.blk")] == "" {
		s.t.Error("the NATS server's copy was not searched")
	}
	store, err := pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{})
	must(s.t, err)
	defer store.Close()
	for r, err := range store.ReadAll(context.Background(), eventstore.Start) {
		must(s.t, err)
		s.said["record "+r.Position.String()] = r.Stream + r.Type + string(r.Data) + string(r.Meta)
		s.boxes(r)
	}
	return deliveries, letters
}

// boxes adds what is written down as base64.
func (s *search) boxes(r eventstore.Record) {
	var data map[string]any
	must(s.t, json.Unmarshal(r.Data, &data))
	if sealed, ok := data["contract_id"].(string); ok {
		b, err := base64.StdEncoding.DecodeString(sealed)
		must(s.t, err)
		s.said["ciphertext of record "+r.Position.String()] = string(b)
	}
}

// A life is what people do with a contract, mistakes included.
func (s *search) life(from *server) (pack, incident) {
	p := from.linked(10)
	in := new(incident)
	body := request(p.ID, "It stopped")
	body["description"], body["contact"] = secretText, fields{"name": secretName, "email": secretMail}
	from.post("customer-ani", "/v1/incidents", body, in, http.StatusCreated)
	from.withFile(p.ID, secretText)
	number := "/v1/incidents/" + in.Number
	from.post("customer-ani", number+"/comments", fields{"text": secretText}, nil, http.StatusOK)
	from.post("engineer", number+"/close", fields{"closure": "product-defect", "resolution": secretText}, nil, http.StatusOK)
	pair := fields{"access_id": p.AccessID, "contract_id": p.ContractID, "portal": "mpn"}
	s.keep(from, "customer-budi", "POST", "/v1/links", pair)
	s.keep(from, "customer-citra", "POST", "/v1/links", fields{"access_id": p.AccessID, "contract_id": "0000000000", "portal": "mpn"})
	s.keep(from, "customer-citra", "POST", "/v1/links", fields{"access_id": p.ContractID, "contract_id": p.AccessID, "portal": "mpn"})
	s.keep(from, "customer-citra", "POST", "/v1/links", fields{"access_id": "x" + p.ContractID, "contract_id": p.ContractID + "y", "portal": p.ContractID})
	s.keep(from, "customer-ani", "POST", "/v1/contracts", fields{"contract_id": p.ContractID})
	s.keep(from, "operator", "POST", "/v1/contracts", fields{"programme": p.ContractID, "access_id": p.AccessID, "contract_id": p.ContractID,
		"primary_contact": fields{"name": "x", "email": "x@example.com"}})
	return p, *in
}

const (
	secretText = "The quick brown fox jumps over the lazy dog"
	secretName = "Ani Wijayakusuma"
	secretMail = "ani.wijayakusuma@example.com"
)

// mail records mails to the account, as whoever sends them does.
func (s *search) mail(dir string, p pack, account uuid.UUID) {
	s.mails = mailedFolder{dir: dir, pack: p, sent: uuid.New(), given: uuid.New(), other: uuid.New()}
	recordMails(s.t, s.mails, func(*house) uuid.UUID { return account }, mail.Recipient{
		Name: secretName, Email: secretMail, Said: "550 <" + secretMail + "> is unknown",
	})
}

// post makes sure that the mails' addresses are there to be found, and asks for
// one of them again.
func (s *search) post(from *server, p pack) {
	s.t.Helper()
	for _, path := range []string{"/v1/mails", "/v1/contracts/" + p.ID + "/history"} {
		got, err := from.send("operator", http.MethodGet, path, "", nil)
		must(s.t, err)
		if !strings.Contains(string(got.body), secretMail) {
			s.t.Errorf("before the erasure %s shows no address: %s", path, got.body)
		}
	}
	from.post("operator", "/v1/mails/"+s.mails.given.String()+"/resend", fields{}, nil, http.StatusOK)
}

// look asks for everything that can be read.
func (s *search) look(from *server, p pack, in incident) {
	for _, as := range []string{"operator", "auditor", "engineer", "customer-ani", "customer-budi", "customer-citra", "service", "admin", ""} {
		for _, path := range []string{
			"/v1/contracts", "/v1/contracts/" + p.ID, "/v1/contracts/" + p.ID + "/history", "/v1/contracts/" + p.ID + "/balance",
			"/v1/contracts/" + p.ID + "/links", "/v1/links", "/v1/me", "/v1/me/benefits", "/v1/me/activity", "/v1/due",
			"/v1/payment-options?portal=mpn&product=" + demoProduct.id, "/v1/incidents", "/v1/incidents/" + in.Number,
			"/v1/mails", "/v1/mails?status=given-up", "/metrics", "/readyz", "/healthz", "/openapi.json", "/v1/contracts?access_id=" + p.AccessID,
		} {
			s.keep(from, as, http.MethodGet, path, nil)
		}
	}
	s.hear(from)
	s.said["history"] = succeed(s.t, "history", "--data", from.dir, "--json", p.ID)
	s.said["mails"] = succeed(s.t, "mails", "list", "--data", from.dir) + succeed(s.t, "mails", "list", "--json", "--data", from.dir)
}

// hear listens to the feed, which carries neither what is sealed nor what was.
func (s *search) hear(from *server) {
	s.t.Helper()
	for _, m := range from.listen() {
		s.said["message "+m.Headers().Get("ce-ordinal")] = fmt.Sprint(m.Subject(), m.Headers(), string(m.Data()))
		var data map[string]any
		must(s.t, json.Unmarshal(m.Data(), &data))
		for _, secret := range []string{"contract_id", "primary_contact", "texts"} {
			if value, there := data[secret]; there {
				s.t.Errorf("a message on %s has %s: %v", m.Subject(), secret, value)
			}
		}
	}
}

// R3: the Contract ID stands nowhere but in the answer to registering. R47: after
// an erasure nothing shows what a person has written, and verify stays ok.
func TestR3_R47_SearchOfEverything(t *testing.T) {
	dir := t.TempDir()
	from := serve(t, dir, "--log-level", "debug", "--log", "json", "--nats-listen", "127.0.0.1:0")
	s := &search{t: t, said: make(map[string]string)}
	p, in := s.life(from)
	from.until("the letters", func() bool { return len(from.letters()) == 6 && from.metric("supportledger_mails_waiting") == "0" })
	s.look(from, p, in)
	var me struct{ Account string }
	from.get("customer-ani", "/v1/me", &me)
	must(t, from.stop())
	s.mail(dir, p, uuid.MustParse(me.Account))
	before := succeed(t, "verify", "--data", dir)
	s.said["log"] = from.log.String()
	s.files(dir)
	s.texts = []string{p.ContractID}
	s.mustFindNone("R3")

	from = serve(t, dir, "--log-level", "debug", "--nats-listen", "127.0.0.1:0")
	s.post(from, p)
	from.post("admin", "/v1/erasures", fields{"account": me.Account, "reason": "asked"}, nil, http.StatusOK)
	from.until("the letters to go", func() bool { return len(from.letters()) == 3 })
	s.said = map[string]string{}
	s.look(from, p, in)
	must(t, from.stop())
	s.said["second log"] = from.log.String()
	s.files(dir)
	s.texts = append(s.texts, secretText, secretName, secretMail, secretFile)
	s.mustFindNone("R47")
	after := succeed(t, "verify", "--data", dir)
	if !strings.Contains(after, "verify: ok") || !strings.Contains(before, "verify: ok") {
		t.Errorf("before the erasure verify said\n%s\nand after\n%s", before, after)
	}
}
