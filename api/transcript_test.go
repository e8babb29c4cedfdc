package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A transcript is a conversation in testdata/*.http: requests, each with who
// sends it and what must come back. Ids and numbers that differ from run to run
// have names, such as {id-1}, given as they appear; later requests use them.
// SUPPORTLEDGER_GOLDEN=1 writes the answers anew.
type transcript struct {
	*rig
	names map[string]string // by what is really there
	given map[string]int    // names of a kind
}

func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.http")
	must(t, err)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			must(t, err)
			tr := &transcript{rig: newRig(t), names: map[string]string{}, given: map[string]int{}}
			if before := beforehand[filepath.Base(file)]; before != nil {
				before(tr.rig)
			}
			got := tr.play(string(text))
			if os.Getenv("SUPPORTLEDGER_GOLDEN") != "" {
				must(t, os.WriteFile(file, []byte(got), 0o644))
				return
			}
			if got != string(text) {
				t.Errorf("the conversation goes otherwise now; %s", firstDifference(string(text), got))
			}
		})
	}
	if len(files) == 0 {
		t.Error("there are no transcripts")
	}
}

// beforehand is what has to happen before a transcript that no request brings about.
var beforehand = map[string]func(*rig){"mails.http": (*rig).someMails}

// play sends the requests of a transcript and writes it again with the answers.
func (tr *transcript) play(text string) string {
	tr.t.Helper()
	var out strings.Builder
	for i, part := range strings.Split(text, "\n### ") {
		if i == 0 {
			out.WriteString(part)
			continue
		}
		title, rest, _ := strings.Cut(part, "\n")
		request, _, _ := strings.Cut(rest, "\n\nHTTP ")
		out.WriteString("\n### " + title + "\n" + strings.TrimRight(request, "\n") + "\n\n" + tr.exchange(request))
	}
	return out.String()
}

// exchange sends one request: "POST /v1/links as ani", headers, an empty line, a
// body.
func (tr *transcript) exchange(request string) string {
	tr.t.Helper()
	head, body, _ := strings.Cut(tr.real(strings.TrimSpace(request)), "\n\n")
	lines := strings.Split(head, "\n")
	var method, path, who string
	if n, _ := fmt.Sscanf(lines[0], "%s %s as %s", &method, &path, &who); n < 2 {
		tr.t.Fatalf("%q is no request", lines[0])
	}
	var headers []string
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		headers = append(headers, name, value)
	}
	as := map[string]string{"": "", "ani": tr.ani(), "budi": tr.budi(), "engineer": tr.engineer(), "operator": tr.operator(), "auditor": tr.auditor(), "admin": tr.admin()}
	var sent any
	if body != "" {
		sent = body
	}
	return tr.masked(tr.write(tr.do(as[who], method, path, sent, headers...)))
}

// write writes an answer with the headers that matter.
func (tr *transcript) write(a answer) string {
	var out strings.Builder
	fmt.Fprintf(&out, "HTTP %d %s\n", a.StatusCode, http.StatusText(a.StatusCode))
	for _, name := range []string{"Content-Type", "Ledger-Position", "Idempotency-Replayed", "Retry-After", "WWW-Authenticate", "Allow"} {
		if value := a.Header.Get(name); value != "" {
			fmt.Fprintf(&out, "%s: %s\n", name, value)
		}
	}
	if len(a.body) > 0 {
		var body bytes.Buffer
		must(tr.t, json.Indent(&body, a.body, "", "  "))
		out.WriteString("\n" + strings.TrimSpace(body.String()) + "\n")
	}
	return out.String()
}

// random is what differs from run to run.
var random = regexp.MustCompile(`"(contract_id|access_id)": "([0-9]{10})"|\b([0-9a-f]{8}-[0-9a-f-]{27})\b|\b(26[0-9]{13})\b`)

// masked gives names to what differs from run to run.
func (tr *transcript) masked(text string) string {
	for _, parts := range random.FindAllStringSubmatch(text, -1) {
		kind, value := "id", parts[3]
		switch {
		case parts[1] != "":
			kind, value = strings.ReplaceAll(parts[1], "_", "-"), parts[2]
		case parts[4] != "":
			kind, value = "number", parts[4]
		}
		if tr.names[value] == "" {
			tr.given[kind]++
			tr.names[value] = fmt.Sprintf("{%s-%d}", kind, tr.given[kind])
		}
	}
	for value, name := range tr.names {
		text = strings.ReplaceAll(text, value, name) // also in labels
	}
	return text
}

// real puts what is really there in place of names.
func (tr *transcript) real(text string) string {
	for value, name := range tr.names {
		text = strings.ReplaceAll(text, name, value)
	}
	return text
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d: got\n%s\nwant\n%s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}
