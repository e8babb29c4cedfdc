package tidy

import (
	"slices"
	"strconv"
	"strings"
)

// A layer is a folder with what it may know of the house.
type layer struct {
	folder string
	knows  []string // folders it may import, besides itself
	reason string
}

// house lists the layers from the inside out; the first that fits a file is its
// layer, so a folder in a folder stands before it.
var house = []layer{
	{"domain", nil, "the domain is what the business means; it knows nothing of the house around it"},
	{"eventstore/esdbwire", []string{"eventstore", "internal/reread", "internal/userfile"}, "stores keep records and do not know what they mean"},
	{"eventstore/storetest", []string{"eventstore", "internal/lacking"}, "stores keep records and do not know what they mean"},
	{"eventstore", nil, "stores keep records and do not know what they mean"},
	{"vault", []string{"internal/durably", "internal/filelock", "internal/postgres"}, "the vault seals bytes and does not know what they mean"},
	{"sheet", nil, "a cell does not know what it is about"},
	{"catalogfile", []string{"domain"}, "the catalogue's file becomes plain values of domain/catalog"},
	{"ledger", []string{"domain", "eventstore", "vault"}, "the command loop joins domain, eventstore and vault, and knows nobody who asks it"},
	{"projections", append([]string{"internal/postgres"}, inner...), "read models follow the ledger and do not know who reads them"},
	{"notifications", append([]string{"internal/durably", "internal/processors", "internal/reread", "internal/userfile"}, inner...), "the feed and the mails follow the ledger and do not know other readers"},
	{"attachments/s3", []string{"attachments/objects"}, "a store keeps objects and does not know what they are"},
	{"attachments/objects", nil, "a store keeps objects and does not know what they are"},
	{"attachments", []string{"domain", "internal/durably", "internal/filelock", "vault"}, "files are kept without knowing who asks for them, or which incidents there are"},
	{"transfer", inner, "what comes from files is decided as what comes by calls, and does not know who sends it"},
	{"audit", inner, "audit judges the log and must not trust other readers of it"},
	{"api", append([]string{"internal/durably", "internal/reread"}, outer...), "HTTP stands on the ledger and its readers"},
	{"portal", outer, "pages stand on the ledger and its readers"},
	{"internal/eventdoc", append([]string{"notifications"}, inner...), "what subscribers are told is made from what the feed publishes"},
	{"internal/badline", []string{"internal/ownaddress"}, "a line is cut the same whatever goes over it"},
	{"internal/golden", []string{"domain"}, "it holds events to their files, whatever they are about"},
	{"internal/transcript", nil, "it keeps what is said in tests, whoever says it"},
	{"internal/paper", nil, "a bystander knows a contract by its answers alone"},
	{"internal/processors", nil, "it asks the system how busy this process is, whoever that is"},
	{"examples", nil, "an example shows what a stranger can do, who has nothing of the house"},
	{"internal/postgres", nil, "how a database is reached has nothing to do with what is in it"},
	{"internal/lacking", nil, "a test that cannot run is the same whatever it is about"},
	{"internal/ownaddress", nil, "an address is the same whoever listens there"},
	{"internal/pgserver", []string{"internal/lacking", "internal/ownaddress"}, "a database is started the same whatever it is for"},
	{"internal/s3server", nil, "a store is served the same whatever is kept in it"},
	{"internal/durably", []string{"eventstore/storetest"}, "a file is kept over a power cut whatever is in it"},
	{"internal/filelock", nil, "a file is kept for one process whatever is in it"},
	{"internal/reread", nil, "a file has changed whatever is in it"},
	{"internal/userfile", []string{"internal/durably"}, "a user has a name whatever the user may do"},
	{"internal/tidy", nil, "the house's own rules judge the house and use none of it"},
}

var inner = []string{"domain", "eventstore", "vault", "catalogfile", "ledger", "sheet"}

var outer = append([]string{"projections", "notifications", "audit", "attachments", "transfer"}, inner...)

// outside are the folders that nobody may import: programs, which only wire, and
// examples, which tests may use.
var outside = []string{"cmd", "bench", "examples"}

// forTests are the folders that every test may import.
var forTests = []string{"eventstore/esdbwire/wiretest", "examples", "internal/badline", "internal/golden", "internal/lacking", "internal/ownaddress", "internal/paper", "internal/pgserver", "internal/s3server", "internal/transcript"}

// layers allows an import of the house inwards only.
func layers(f *File) (found []Finding) {
	own := layerOf(f.Path)
	for _, spec := range f.AST.Imports {
		name, inHouse := strings.CutPrefix(importPath(spec.Path.Value), Module+"/")
		if !inHouse {
			continue
		}
		if f.Test && slices.ContainsFunc(forTests, func(folder string) bool { return below(name, folder) }) {
			continue
		}
		for _, folder := range outside {
			if below(name, folder) && !below(f.Path, folder) {
				found = append(found, f.finding(spec.Pos(), "imports %s: a program wires the house and nothing stands on it", name))
			}
		}
		if own != nil && !own.mayImport(name) {
			found = append(found, f.finding(spec.Pos(), "%s imports %s: %s", own.folder, name, own.reason))
		}
	}
	return found
}

func layerOf(file string) *layer {
	for i := range house {
		if below(file, house[i].folder) {
			return &house[i]
		}
	}
	return nil
}

func (l *layer) mayImport(name string) bool {
	if below(name, l.folder) {
		return true
	}
	for _, folder := range l.knows {
		if below(name, folder) {
			return true
		}
	}
	return false
}

// impure are the packages that would let the world into the domain.
var impure = map[string]string{
	"bufio":        "it reads nothing",
	"context":      "nothing in it waits",
	"crypto/rand":  "randomness arrives inside the command",
	"database/sql": "it knows no database",
	"io":           "it reads and writes nothing",
	"log":          "its errors and events say it all",
	"math/rand":    "randomness arrives inside the command",
	"net":          "it speaks to nobody",
	"os":           "it does not know the machine",
	"runtime":      "it does not know the machine",
	"sync":         "its states have one owner",
	"syscall":      "it does not know the machine",
	"unsafe":       "nothing in it is worth that",
}

// outsideWorld are the calls that let the world into the domain.
var outsideWorld = map[string]string{
	"time.Now": "time arrives inside the command", "time.Since": "time arrives inside the command",
	"time.Until": "time arrives inside the command", "time.Sleep": "nothing in it waits",
	"time.After": "nothing in it waits", "time.AfterFunc": "nothing in it waits",
	"time.Tick": "nothing in it waits", "time.NewTimer": "nothing in it waits", "time.NewTicker": "nothing in it waits",
	"time.LoadLocation": "zones arrive as *time.Location", "time.Local": "zones arrive as *time.Location",
	"uuid.New": "ids arrive inside the command", "uuid.NewString": "ids arrive inside the command",
	"uuid.NewRandom": "ids arrive inside the command", "uuid.NewUUID": "ids arrive inside the command",
	"uuid.NewV6": "ids arrive inside the command", "uuid.NewV7": "ids arrive inside the command",
	"fmt.Print": "it writes nothing", "fmt.Printf": "it writes nothing", "fmt.Println": "it writes nothing",
}

// purity holds the domain to the standard library's pure part and google/uuid.
func purity(f *File) (found []Finding) {
	if !below(f.Path, "domain") || f.Test {
		return nil
	}
	for _, spec := range f.AST.Imports {
		name := importPath(spec.Path.Value)
		if thirdParty(name) && name != "github.com/google/uuid" {
			found = append(found, f.finding(spec.Pos(), "the domain imports %s: it stands on the standard library and google/uuid alone", name))
		}
		for folder, reason := range impure {
			if below(name, folder) {
				found = append(found, f.finding(spec.Pos(), "the domain imports %s: %s", name, reason))
			}
		}
	}
	for _, use := range f.selections() {
		if reason, ok := outsideWorld[use.name]; ok {
			found = append(found, f.finding(use.pos, "the domain uses %s: %s", use.name, reason))
		}
	}
	return found
}

func thirdParty(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return strings.Contains(first, ".") && !below(name, Module)
}

func importPath(quoted string) string {
	name, err := strconv.Unquote(quoted)
	if err != nil {
		return quoted
	}
	return name
}
