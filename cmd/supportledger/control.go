package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// The control socket lets commands on a folder speak to the ledger that runs in
// it (R46): HTTP over a Unix socket that only the owner may use. A command is
// sent as JSON; what it says comes back as frames, one JSON value per line, the
// last of which carries its end.

// socketLimit is how long the path of a Unix socket may be; it is shorter than
// paths may be.
const socketLimit = 100

func (f folder) socket() string { return f.file("control.sock") }

// elsewhere remembers where the socket is if the folder's path is too long.
func (f folder) elsewhere() string { return f.file("control.path") }

// listenControl opens the socket. The caller has the folder to itself.
func (f folder) listenControl() (net.Listener, error) {
	f.closeControl() // what a killed process has left
	path := f.socket()
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	if len(path) > socketLimit {
		dir, err := os.MkdirTemp("", socketDirs) // mode 0700
		if err != nil {
			return nil, fmt.Errorf("open control socket: %w", err)
		}
		path = filepath.Join(dir, "control.sock")
		if err := os.WriteFile(f.elsewhere(), []byte(path), 0o600); err != nil {
			return nil, fmt.Errorf("open control socket: %w", err)
		}
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("open control socket: %w", err), listener.Close())
	}
	return listener, nil
}

// socketDirs begin the names of folders that hold nothing but a socket.
const socketDirs = "supportledger-"

// closeControl removes what listenControl has put elsewhere.
func (f folder) closeControl() {
	path, err := os.ReadFile(f.elsewhere())
	if err != nil {
		return
	}
	dir := filepath.Dir(string(path))
	if strings.HasPrefix(filepath.Base(dir), socketDirs) { // and nothing else, whatever the file says
		_ = os.Remove(string(path))
		_ = os.Remove(dir)
	}
	_ = os.Remove(f.elsewhere())
}

// dialControl connects to the ledger that runs in the folder, if one does.
func (f folder) dialControl(ctx context.Context) (net.Conn, error) {
	path := f.socket()
	if recorded, err := os.ReadFile(f.elsewhere()); err == nil {
		path = string(recorded)
	}
	if len(path) > socketLimit {
		return nil, fs.ErrNotExist
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", path)
}

// A frame is a piece of what a command says; the one with Done is the last.
type frame struct {
	Out   string `json:"out,omitempty"`
	Err   string `json:"err,omitempty"`
	Stage string `json:"stage,omitempty"`
	At    int64  `json:"at,omitempty"`
	Of    int64  `json:"of,omitempty"`
	Done  bool   `json:"done,omitempty"`
	Code  int    `json:"code,omitempty"`
}

// control answers commands in a running ledger.
type control struct {
	house *house
	log   *slog.Logger
}

const controlPath = "/commands/"

func (c *control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, controlPath)
	construct := folderCommands[name]
	if !ok || construct == nil || r.Method != http.MethodPost {
		http.Error(w, "there is no such command", http.StatusNotFound)
		return
	}
	cmd := construct()
	if err := json.NewDecoder(r.Body).Decode(cmd); err != nil {
		http.Error(w, "read command: "+err.Error(), http.StatusBadRequest)
		return
	}
	c.log.InfoContext(r.Context(), "command by control socket", "command", name)
	f := &framer{w: w, flush: http.NewResponseController(w).Flush}
	t := &terminal{
		out: frameWriter(func(s string) error { return f.send(frame{Out: s}) }),
		err: frameWriter(func(s string) error { return f.send(frame{Err: s}) }),
	}
	show := lastOnly(func(stage string, at, of int64) { _ = f.send(frame{Stage: stage, At: at, Of: of}) })
	t.progress = show
	code := report(t.err, cmd.on(r.Context(), c.house, t))
	_ = f.send(frame{Done: true, Code: code}) // whoever asked may have gone
}

// A framer sends frames, one after another.
type framer struct {
	mu    sync.Mutex
	w     io.Writer
	flush func() error
}

func (f *framer) send(v frame) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := json.NewEncoder(f.w).Encode(v); err != nil {
		return err
	}
	return f.flush()
}

type frameWriter func(string) error

func (w frameWriter) Write(p []byte) (int, error) {
	if err := w(string(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// askRunning has the ledger at the other end of a connection run a command, and
// returns its exit code as an error.
func askRunning(ctx context.Context, conn net.Conn, cmd folderCommand, t *terminal) error {
	body, err := json.Marshal(cmd)
	if err != nil {
		return fmt.Errorf("write command: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableKeepAlives: true,
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://ledger"+controlPath+cmd.name(), strings.NewReader(string(body)))
	if err != nil {
		return fmt.Errorf("write command: %w", err)
	}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("ask the running ledger: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return fmt.Errorf("ask the running ledger: %s: is it of another version? stop it, or use its own program", strings.TrimSpace(string(text)))
	}
	return replay(json.NewDecoder(answer.Body), t)
}

// replay says again what a command has said at the other end.
func replay(frames *json.Decoder, t *terminal) error {
	for {
		var f frame
		if err := frames.Decode(&f); err != nil {
			return fmt.Errorf("the running ledger ended before the command did: %w", err)
		}
		switch {
		case f.Done && f.Code == 0:
			return nil
		case f.Done:
			return toldCode(f.Code)
		case f.Stage != "":
			t.progress(f.Stage, f.At, f.Of)
		case f.Out != "":
			fmt.Fprint(t.out, f.Out)
		default:
			fmt.Fprint(t.err, f.Err)
		}
	}
}
