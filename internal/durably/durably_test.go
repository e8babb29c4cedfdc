package durably_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/internal/durably"
)

// R41: what was put in its place is there after a power cut, with what is in it, and
// nothing that was half done is.
func TestR41_FilesAndTheirNamesSurvivePowerCuts(t *testing.T) {
	disk := storetest.NewDisk(t, 32<<20)
	folder := filepath.Join(disk.Dir, "folder")
	must(t, os.Mkdir(folder, 0o700))
	must(t, durably.Names(disk.Dir))
	want := map[string]string{}
	for round := range 3 {
		want["replaced"], want[fmt.Sprint("created-", round)] = fmt.Sprint("of round ", round), "once"
		must(t, durably.Create(filepath.Join(folder, fmt.Sprint("created-", round)), []byte("once")))
		disk.CutPower(t)
		disk.Restart(t)
		must(t, durably.Replace(filepath.Join(folder, "replaced"), []byte(want["replaced"])))
		disk.CutPower(t)
		disk.Restart(t)
		for name, text := range want {
			body, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil || string(body) != text {
				t.Errorf("after round %d %s holds %q, want %q: %v", round, name, body, text, err)
			}
		}
	}
}

// R3: only the owner reads it; what is there already is replaced by Replace alone; and
// where something fails nothing is left beside it.
func TestR3_FilesAreTheirOwnersAloneAndWhole(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	must(t, durably.Create(path, []byte("first")))
	if err := durably.Create(path, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second one was created: %v", err)
	}
	holds(t, path, "first")
	must(t, os.Chmod(path, 0o644))
	must(t, durably.Replace(path, []byte("third")))
	holds(t, path, "third")
	must(t, os.MkdirAll(filepath.Join(folder, "way", "in the"), 0o700))
	if err := durably.Replace(filepath.Join(folder, "way"), nil); err == nil {
		t.Error("a folder was replaced")
	}
	left, err := os.ReadDir(folder)
	must(t, err)
	if len(left) != 2 {
		t.Errorf("there is %v", left)
	}
}

func holds(t *testing.T, path, text string) {
	t.Helper()
	body, err := os.ReadFile(path)
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	if string(body) != text || info.Mode().Perm() != 0o600 {
		t.Errorf("it holds %q with mode %v, want %q", body, info.Mode(), text)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
