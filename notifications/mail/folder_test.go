package mail_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/notifications/mail"
)

func folder(t *testing.T, ledger string) *mail.Folder {
	t.Helper()
	f, err := mail.OpenFolder(ledger)
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	return f
}

// eml is where a letter lies.
func eml(ledger string, m *mail.Message) string {
	return filepath.Join(ledger, "mail", m.ID.String()+".eml")
}

func wantFile(t *testing.T, path string, content []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	must(t, err)
	if string(got) != string(content) {
		t.Errorf("%s holds %d bytes, want %d others", path, len(got), len(content))
	}
}

func wantMode(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != mode {
		t.Errorf("%s has mode %04o, want %04o", path, info.Mode().Perm(), mode)
	}
}

func TestR40_ALetterIsAPrivateFile(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "mail"), 0o755)) // by somebody who is not careful
	f, m := folder(t, dir), rendered(t, idsLetter())
	must(t, f.Send(t.Context(), m))
	wantFile(t, eml(dir, m), m.Content())
	wantMode(t, eml(dir, m), 0o600)
	wantMode(t, filepath.Join(dir, "mail"), 0o700)
}

func TestR39_TheSameLetterReplacesItself(t *testing.T) {
	dir := t.TempDir()
	f, first := folder(t, dir), rendered(t, fewLeftLetter(1))
	must(t, f.Send(t.Context(), first))
	letter := fewLeftLetter(1)
	letter.Language = "en"
	second := rendered(t, letter)
	must(t, os.Chmod(eml(dir, first), 0o444))
	must(t, f.Send(t.Context(), second))
	wantFile(t, eml(dir, second), second.Content())
	wantMode(t, eml(dir, second), 0o600)
	if entries, err := os.ReadDir(filepath.Join(dir, "mail")); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want one letter", entries, err)
	}
}

func TestR40_WhatACrashLeftHalfWrittenIsRemoved(t *testing.T) {
	dir := t.TempDir()
	folder(t, dir)
	m := rendered(t, idsLetter())
	must(t, os.WriteFile(eml(dir, m)+".half", []byte(contractID), 0o600))
	folder(t, dir)
	if _, err := os.Stat(eml(dir, m) + ".half"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	f := folder(t, dir)
	must(t, os.WriteFile(eml(dir, m)+".half", []byte(contractID), 0o644)) // by a write that failed since
	must(t, f.Send(t.Context(), m))
	wantMode(t, eml(dir, m), 0o600)
}

func TestR39_ALetterThatCannotBeWrittenCanBeTriedAgain(t *testing.T) {
	dir := t.TempDir()
	f, m := folder(t, dir), rendered(t, idsLetter())
	must(t, os.MkdirAll(filepath.Join(eml(dir, m), "in the way"), 0o700))
	wantError(t, f.Send(t.Context(), m), mail.Passing, "write letter to folder", 0, "rename")
	if _, err := os.Stat(eml(dir, m) + ".half"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half of it is still there: %v", err)
	}
	must(t, os.RemoveAll(eml(dir, m)))
	must(t, os.MkdirAll(filepath.Join(eml(dir, m)+".half", "in the way"), 0o700))
	wantError(t, f.Send(t.Context(), m), mail.Passing, "write letter to folder", 0, "remove")
	must(t, os.RemoveAll(filepath.Join(dir, "mail")))
	wantError(t, f.Send(t.Context(), m), mail.Passing, "write letter to folder", 0, "no such file")
	must(t, os.Mkdir(filepath.Join(dir, "mail"), 0o700))
	must(t, f.Send(t.Context(), m))

	over, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	wantError(t, f.Send(over, m), mail.Passing, "write letter to folder", 0, "enough")
}

func TestR39_ADiskThatIsFullIsPassing(t *testing.T) {
	dir := storetest.Tmpfs(t, 16<<10)
	f := folder(t, dir)
	var err error
	n := byte(0)
	for ; err == nil && n < 100; n++ {
		err = f.Send(t.Context(), rendered(t, fewLeftLetter(n)))
	}
	wantError(t, err, mail.Passing, "write letter to folder", 0, "no space left")
	must(t, os.Remove(eml(dir, rendered(t, fewLeftLetter(0)))))
	must(t, f.Send(t.Context(), rendered(t, fewLeftLetter(n))))
}

func TestR40_AFolderThatCannotBeMadeIsNamed(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "mail"), nil, 0o600))
	if _, err := mail.OpenFolder(dir); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "mail")) {
		t.Errorf("got %v", err)
	}
}

func TestR40_WhatWasSentSurvivesPowerCuts(t *testing.T) {
	disk := storetest.NewDisk(t, 32<<20)
	for round := range byte(3) {
		f := folder(t, disk.Dir)
		m := rendered(t, fewLeftLetter(round))
		must(t, f.Send(t.Context(), m))
		disk.CutPower(t)
		disk.Restart(t)
		wantFile(t, eml(disk.Dir, m), m.Content())
	}
}

// childDir is where TestMain's child writes letters.
const childDir = "SUPPORTLEDGER_MAIL_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(childMain(dir))
	}
	os.Exit(m.Run())
}

// childLetters are what the child sends.
const childLetters = 2

// childMain sends letters and prints a line for each, on one thread, since strace
// counts calls for each thread apart.
func childMain(dir string) int {
	runtime.LockOSThread()
	f, err := mail.OpenFolder(dir)
	for n := byte(0); err == nil && n < childLetters; n++ {
		if err = f.Send(context.Background(), rendered(new(testing.T), fewLeftLetter(n))); err == nil {
			fmt.Println("sent")
		}
	}
	if err != nil {
		return 1
	}
	return 0
}

func TestR40_KilledAtAnyCallALetterIsWholeOrNotThere(t *testing.T) {
	storetest.Need(t, "strace")
	for call, least := range map[string]int{"openat": childLetters, "write": childLetters, "fsync": 2 * childLetters, "renameat": childLetters} {
		t.Run(call, func(t *testing.T) {
			n := 0
			for ended := false; !ended; n++ {
				dir := t.TempDir()
				c := exec.Command(os.Args[0])
				c.Env = append(os.Environ(), childDir+"="+dir)
				storetest.Strace(t, c, fmt.Sprintf("%s:signal=KILL:when=%d", call, n+1))
				out, err := c.Output()
				ended = err == nil
				wantWhole(t, dir, strings.Count(string(out), "sent"))
			}
			if n <= least {
				t.Errorf("only %d calls were seen", n-1)
			}
		})
	}
}

// wantWhole fails unless the letters that were said to be sent are there, and
// whatever is there is whole.
func wantWhole(t *testing.T, dir string, sent int) {
	t.Helper()
	folder(t, dir)
	entries, err := os.ReadDir(filepath.Join(dir, "mail"))
	must(t, err)
	if len(entries) < sent {
		t.Fatalf("%d letters are there, and %d were said to be sent", len(entries), sent)
	}
	for i := range entries {
		m := rendered(t, fewLeftLetter(byte(i)))
		wantFile(t, eml(dir, m), m.Content())
	}
}
