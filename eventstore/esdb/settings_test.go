package esdb_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdb"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
)

// A setting of the connection string: values that are refused, and a test that this
// package's own connections keep to it; nil where no value changes anything.
type setting struct {
	refused []string
	kept    func(t *testing.T)
}

// settings are those that the client's parser knows.
func settings() map[string]setting {
	return map[string]setting{
		"tls":                 {[]string{"yes"}, keepsToCertificates},
		"tlsverifycert":       {[]string{"maybe"}, keepsToCertificates},
		"tlscafile":           {[]string{"/nowhere/ca.pem", os.DevNull}, keepsToCertificates},
		"usercertfile":        {[]string{"/nowhere/alone.pem"}, keepsToCertificates},
		"userkeyfile":         {[]string{"/nowhere/alone.pem"}, keepsToCertificates},
		"keepaliveinterval":   {[]string{"-2", "soon"}, keepsToPings},
		"keepalivetimeout":    {[]string{"-1", "0"}, keepsToPings},
		"discoveryinterval":   {[]string{"0", "often"}, keepsToTheDiscoveryInterval},
		"gossiptimeout":       {[]string{"0", "long"}, keepsToTheGossipTimeout},
		"defaultdeadline":     {[]string{"0", "never"}, keepsToTheDeadline},
		"nodepreference":      {[]string{"follower", "random", "readOnlyReplica", "any"}, nil},
		"maxdiscoverattempts": {[]string{"10", "-1"}, nil},
	}
}

// Whatever a connection string sets holds for the connections that this package makes
// itself, or is refused by its name; whatever the client's parser will know, too.
func TestEverySettingIsKeptToOrRefused(t *testing.T) {
	t.Parallel()
	ours := settings()
	for _, name := range parsed(t) {
		s, known := ours[name]
		if !known {
			t.Errorf("the client knows the setting %s: keep to it here, or refuse it", name)
			continue
		}
		delete(ours, name)
		for _, value := range s.refused {
			isRefused(t, name, name+"="+value)
		}
		if s.kept != nil {
			t.Run(name, func(t *testing.T) { t.Parallel(); s.kept(t) })
		}
	}
	for name := range ours {
		t.Errorf("the client does not know the setting %s", name)
	}
	isRefused(t, "connectionName", "connectionName=here")
	isRefused(t, "tls", "tls=true&tls=false")
	isRefused(t, "tls", "TLS=false&tls=false")
}

func isRefused(t *testing.T, name, query string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s, err := esdb.Open(ctx, esdb.Options{Connection: "esdb://admin:secret@127.0.0.1:1?" + query})
	if err == nil {
		_ = s.Close()
	}
	if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(name)) || strings.Contains(err.Error(), "secret") {
		t.Errorf("%s: %v", query, err)
	}
}

// parsed are the settings that the client's parser knows, in lower case, by its source.
func parsed(t *testing.T) (names []string) {
	t.Helper()
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/EventStore/EventStore-Client-Go/v4/esdb").Output()
	must(t, err)
	source, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "configuration.go"), nil, 0)
	must(t, err)
	for _, d := range source.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != "parseSetting" {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if c, ok := n.(*ast.CaseClause); ok {
				for _, e := range c.List {
					name, err := strconv.Unquote(e.(*ast.BasicLit).Value)
					must(t, err)
					names = append(names, name)
				}
			}
			return true
		})
	}
	if len(names) == 0 {
		t.Fatal("the client's parser of settings is not found")
	}
	return names
}

// Where the node wants to know who connects, and shows a certificate that nobody else
// has signed, the call for appends and reads are made as the connection string says.
func keepsToCertificates(t *testing.T) {
	file, config := secured(t)
	config.ClientAuth = tls.RequireAnyClientCert
	key := filepath.Join(t.TempDir(), "key.pem")
	der, err := x509.MarshalPKCS8PrivateKey(config.Certificates[0].PrivateKey)
	must(t, err)
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	c := newCluster(t, func(c *esdbwire.Config) { c.TLS = config })
	c.start()
	own := "&userCertFile=" + file + "&userKeyFile=" + key
	for i, query := range []string{"tls=true&tlsCAFile=" + file + own, "tls=true&tlsVerifyCert=false" + own} {
		s := open(t, "", func(o *esdb.Options) { o.Connection = "esdb://" + c.address + "?" + query })
		done, err := begin(t, s, facts("s", eventstore.Revision(i)-1, 1))()
		must(t, err)
		if head, err := s.Head(soon(t)); err != nil || head != done.Position {
			t.Errorf("%s: the head is %v, %v, want %v", query, head, err, done.Position)
		}
		must(t, s.Close())
	}
}

func keepsToPings(t *testing.T) {
	pings, wanted, err := esdb.Pings("esdb://h?keepAliveInterval=25000&keepAliveTimeout=3000")
	if must(t, err); !wanted || pings.Time != 25*time.Second || pings.Timeout != 3*time.Second {
		t.Errorf("pings are sent (%t) after %v, and answered within %v", wanted, pings.Time, pings.Timeout)
	}
	if _, wanted, err := esdb.Pings("esdb://h?keepAliveInterval=-1"); err != nil || wanted {
		t.Errorf("pings that are not wanted: %t, %v", wanted, err)
	}
}

func keepsToTheDiscoveryInterval(t *testing.T) {
	ask, err := esdb.AskForLeader("esdb+discover://127.0.0.1:1?tls=false&discoveryInterval=400")
	must(t, err)
	began := time.Now()
	for range 3 {
		if ask(soon(t)) == nil {
			t.Fatal("nobody is there, and leads")
		}
	}
	if took := time.Since(began); took < 800*time.Millisecond {
		t.Errorf("asked three times in %v", took)
	}
}

func keepsToTheGossipTimeout(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	must(t, err)
	defer silent.Close()
	ask, err := esdb.AskForLeader("esdb+discover://" + silent.Addr().String() + "?tls=false&gossipTimeout=1")
	must(t, err)
	began := time.Now()
	if ask(soon(t)) == nil {
		t.Fatal("nobody answers, and leads")
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("a node that does not answer was waited for, for %v", took)
	}
}

// A timekeeper is a node that records nothing, and tells how long appends may take.
type timekeeper struct {
	questioned
	told chan time.Duration
}

func (k timekeeper) BatchAppend(call streams.Streams_BatchAppendServer) error {
	req, err := call.Recv()
	if err == nil {
		k.told <- req.GetOptions().GetDeadline().AsDuration()
	}
	return err
}

func (k timekeeper) Append(call streams.Streams_AppendServer) error {
	until, _ := call.Context().Deadline()
	k.told <- time.Until(until)
	return status.Error(codes.InvalidArgument, "it records nothing")
}

func keepsToTheDeadline(t *testing.T) {
	k := timekeeper{told: make(chan time.Duration, 8)}
	s := open(t, standIn(t, k), func(o *esdb.Options) { o.Connection += "&defaultDeadline=2000" })
	defer s.Close()
	if _, err := begin(t, s, facts("s", eventstore.NoStream, 1))(); err == nil {
		t.Error("an append is taken")
	}
	if _, err := s.Append(soon(t), facts("s", eventstore.NoStream, 1)); err == nil {
		t.Error("an append is taken")
	}
	for range 2 {
		if d := <-k.told; d > 2*time.Second || d <= 0 {
			t.Errorf("an append may take %v", d)
		}
	}
}
