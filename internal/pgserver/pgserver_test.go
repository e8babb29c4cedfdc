package pgserver

import (
	"context"
	"strings"
	"testing"
)

func TestTheNewestIsTaken(t *testing.T) {
	if a, b := majorVersion("/usr/lib/postgresql/9/bin"), majorVersion("/usr/lib/postgresql/15/bin"); a != 9 || b != 15 {
		t.Errorf("versions are %d and %d", a, b)
	}
	if hasPrograms(t.TempDir(), "postgres") {
		t.Error("programs were seen in an empty folder")
	}
}

func TestWhyItDoesNotStartIsReported(t *testing.T) {
	p := Start(t, "")
	empty := &Server{bin: p.bin, Dir: p.Dir + "/empty"}
	if err := empty.makeFolder(); err != nil {
		t.Fatal(err)
	}
	err := empty.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "it ended") || !strings.Contains(err.Error(), "Run initdb") {
		t.Errorf("starting a folder without a database says %v", err)
	}
}

// What was committed before a crash is there after it.
func TestACrashIsRecoveredFrom(t *testing.T) {
	p := Start(t, "")
	ctx := context.Background()
	conn, err := p.Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, "CREATE TABLE kept AS SELECT 7 AS n"); err != nil {
		t.Fatal(err)
	}
	if err := p.Crash(ctx); err != nil {
		t.Fatal(err)
	}
	if err := conn.Ping(ctx); err == nil {
		t.Error("the connection outlived the server")
	}
	if err := p.Start(ctx); err != nil {
		t.Fatal(err)
	}
	conn, err = p.Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var n int
	if err := conn.QueryRow(ctx, "SELECT n FROM kept").Scan(&n); err != nil || n != 7 {
		t.Errorf("found %d, %v", n, err)
	}
}
