package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestR3_KeysSurviveTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	keys := Generate().Rotate()
	must(t, keys.Write(path))
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %04o, want 0600", info.Mode().Perm())
	}
	again, err := Load(path)
	must(t, err)
	if again.ContractStream("0230242323", "1234567890") != keys.ContractStream("0230242323", "1234567890") {
		t.Error("the loaded naming key names differently")
	}
	if got, err := again.OpenContractID(person(1), keys.SealContractID(person(1), "0123456789")); err != nil || got != "0123456789" {
		t.Errorf("opened %v, %v", got == "0123456789", err)
	}
	if got, want := again.Check(), keys.Check(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("check %v, want %v", got, want)
	}
}

func TestR3_LoadRefusesAFileThatOthersMayRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	must(t, Generate().Write(path))
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o644} {
		must(t, os.Chmod(path, mode))
		_, err := Load(path)
		wantError(t, err, path, "chmod 600 "+path)
	}
}

func TestR3_LoadNamesWhatIsWrongInAFile(t *testing.T) {
	good, err := json.Marshal(Generate().file())
	must(t, err)
	for name, c := range map[string]struct {
		edit func(*keysJSON)
		want string
	}{
		"an altered naming key":     {func(f *keysJSON) { f.Naming.Key = alter(f.Naming.Key) }, "naming: key has the id"},
		"an altered encryption key": {func(f *keysJSON) { f.Encryption[0].Key = alter(f.Encryption[0].Key) }, "encryption[0]: key has the id"},
		"an altered id":             {func(f *keysJSON) { f.Naming.ID = "00" }, "naming: key has the id"},
		"keys in each other's place": {func(f *keysJSON) {
			f.Encryption[0].Key = f.Naming.Key
			f.Encryption[0].ID = f.Naming.ID
		}, "encryption[0]: key has the id"},
		"no encryption key": {func(f *keysJSON) { f.Encryption = nil }, "at least one key"},
		"a key twice":       {func(f *keysJSON) { f.Encryption = append(f.Encryption, f.Encryption[0]) }, "is there twice"},
		"a short key":       {func(f *keysJSON) { f.Naming.Key = "AAAA" }, "naming: key: want 32 bytes, got 3"},
		"no base64":         {func(f *keysJSON) { f.Naming.Key = "*" }, "naming: key: want base64"},
	} {
		t.Run(name, func(t *testing.T) {
			var f keysJSON
			must(t, json.Unmarshal(good, &f))
			c.edit(&f)
			body, err := json.Marshal(f)
			must(t, err)
			path := privateFile(t, body)
			_, err = Load(path)
			wantError(t, err, path, c.want)
		})
	}
}

func TestR3_LoadQuotesNothingOfABrokenFile(t *testing.T) {
	for _, body := range []string{`{"naming": 4711471147114711}`, `{"naming": {"key": "c2VjcmV0"`, `{"secret4711": 1}`, `{} 4711`, ``} {
		path := privateFile(t, []byte(body))
		_, err := Load(path)
		wantError(t, err, path, "safe copy")
		if text := strings.ReplaceAll(err.Error(), path, ""); strings.Contains(text, "4711") || strings.Contains(text, "c2Vj") {
			t.Errorf("the error quotes the file: %s", text)
		}
	}
}

func TestR3_AMissingFileIsNotExist(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "keys.json"))
	wantIs(t, err, fs.ErrNotExist)
}

func TestR3_WriteNeverLosesAKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	first := Generate()
	rotated := first.Rotate()
	must(t, first.Write(path))
	wantError(t, Generate().Write(path), path, "would lose a key", "naming key")
	must(t, rotated.Write(path))
	wantError(t, first.Write(path), path, "would lose a key", "encryption key")
	wantNothingBeside(t, path)
}

func TestR3_RotatedKeysOpenWhatOlderOnesSealed(t *testing.T) {
	first := Generate()
	rotated := first.Rotate()
	old := first.SealContractID(person(1), "0123456789")
	got, err := rotated.OpenContractID(person(1), old)
	if err != nil || got != "0123456789" {
		t.Errorf("after rotating: %v", err)
	}
	sealed := rotated.SealContractID(person(1), "0123456789")
	if bytes.Equal(sealed[:8], old[:8]) {
		t.Error("the older key still seals")
	}
	_, err = first.OpenContractID(person(1), sealed)
	wantError(t, err, "encryption key "+hex.EncodeToString(sealed[:8])+" is missing")
}

func TestR3_ABoundFolderRemembersItsKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys-check.json")
	first := Generate()
	rotated := first.Rotate()
	must(t, first.Bind(path))
	must(t, first.Bind(path))
	wantError(t, Generate().Bind(path), path, "naming key", "use the keys file")
	must(t, rotated.Bind(path))
	wantError(t, first.Bind(path), path, "encryption key", "is missing")
	body, err := os.ReadFile(path)
	must(t, err)
	for _, secret := range secretsOf(rotated) {
		wantNoTrace(t, string(body), secret)
	}
}

func TestR3_NothingPrintsAKey(t *testing.T) {
	keys := Generate()
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("keys", "keys", keys)
	slog.New(slog.NewTextHandler(&out, nil)).Info("keys", "keys", keys)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%p"} {
		fmt.Fprintf(&out, verb+"\n", keys)
		fmt.Fprintf(&out, verb+"\n", []any{keys, struct{ K *Keys }{keys}})
	}
	marshalled, err := json.Marshal(map[string]any{"keys": keys})
	must(t, err)
	out.Write(marshalled)
	for _, secret := range secretsOf(keys) {
		wantNoTrace(t, out.String(), secret)
	}
}

func TestKeyIDIsReadAsItWasWritten(t *testing.T) {
	id := KeyID{0, 1, 2, 3, 250, 251, 252, 253}
	got, err := ParseKeyID(id.String())
	if err != nil || got != id {
		t.Errorf("got %v, %v", got, err)
	}
	for _, s := range []string{"", "00", "zz01020304050607", "000102030405060708"} {
		if _, err := ParseKeyID(s); err == nil {
			t.Errorf("%q was read as a key id", s)
		}
	}
}

func secretsOf(k *Keys) [][]byte {
	secrets := [][]byte{k.naming}
	for _, e := range k.encryption {
		secrets = append(secrets, e.secret)
	}
	return secrets
}

// wantNoTrace looks for a key in every form in which Go prints bytes.
func wantNoTrace(t *testing.T, text string, secret []byte) {
	t.Helper()
	for _, form := range []string{
		string(secret[:8]),
		hex.EncodeToString(secret[:8]),
		strings.ToUpper(hex.EncodeToString(secret[:8])),
		base64.StdEncoding.EncodeToString(secret[:9]),
		strings.Trim(fmt.Sprint(secret[:8]), "[]"),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", secret[:8]), "[]byte{"), "}"),
	} {
		if strings.Contains(text, form) {
			t.Errorf("a key shows as %q", form)
		}
	}
}

func alter(key string) string {
	if key[0] == 'A' {
		return "B" + key[1:]
	}
	return "A" + key[1:]
}
