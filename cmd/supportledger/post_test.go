package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// letters are the letters in the folder, by id.
func (s *server) letters() map[string]string {
	s.t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.dir, "mail", "*.eml"))
	must(s.t, err)
	all := map[string]string{}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		must(s.t, err)
		all[strings.TrimSuffix(filepath.Base(path), ".eml")] = string(body)
	}
	return all
}

// R17, R29, R40: mails go out by themselves, into the folder where no server is
// named.
func TestR40_MailsLieInTheFolder(t *testing.T) {
	s := serve(t, t.TempDir())
	p := s.linked(10)
	var in incident
	s.post("customer-ani", "/v1/incidents", request(p.ID, "It stopped"), &in, http.StatusCreated)
	s.post("engineer", "/v1/incidents/"+in.Number+"/close", fields{"closure": "resolved", "resolution": "Start it."}, nil, http.StatusOK)
	s.until("four letters", func() bool { return len(s.letters()) == 4 })
	var all strings.Builder
	for _, letter := range s.letters() {
		all.WriteString(letter)
	}
	for _, words := range []string{p.ContractID, in.Number, "Citra", "9 incidents"} {
		if !strings.Contains(all.String(), words) {
			t.Errorf("no letter says %q:\n%s", words, all.String())
		}
	}
	s.until("the records", func() bool { return strings.Count(succeed(t, "mails", "list", "--data", s.dir), " sent ") == 4 })
	must(t, s.stop())
	if said := succeed(t, "verify", "--data", s.dir); !strings.Contains(said, "verify: ok") {
		t.Error(said)
	}
}
