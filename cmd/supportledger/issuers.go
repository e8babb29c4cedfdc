package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/supportledger/supportledger/api/token"
)

// issuersFile lists OpenID Connect issuers. What an issuer may not assert is
// ignored in its tokens; "*" allows everything of a kind.
type issuersFile struct {
	Issuers []struct {
		Issuer     string   `json:"issuer"`
		Audience   string   `json:"audience"`
		Algorithms []string `json:"algorithms"`
		Roles      []string `json:"roles"`
		Portals    []string `json:"portals"`
		Rights     []string `json:"rights"`
		Scopes     []string `json:"scopes"`
	} `json:"issuers"`
}

// readIssuers reads the file; a mistake is named with its line.
func readIssuers(path string) ([]token.OIDC, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read issuers: %w", err)
	}
	var f issuersFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err = d.Decode(&f); err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("something follows after the end")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read issuers: file %s, line %d: %w", path, lineOf(text, d, err), err)
	}
	out := make([]token.OIDC, len(f.Issuers))
	for i, x := range f.Issuers {
		out[i] = token.OIDC{
			Issuer: x.Issuer, Audience: x.Audience, Algorithms: x.Algorithms,
			Policy: token.Policy{Roles: x.Roles, Portals: x.Portals, Rights: x.Rights, Scopes: x.Scopes},
		}
	}
	return out, nil
}

// lineOf is the line of a mistake, or where the value with the mistake begins.
func lineOf(text []byte, d *json.Decoder, err error) int {
	offset := d.InputOffset()
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	}
	return 1 + bytes.Count(text[:min(offset, int64(len(text)))], []byte("\n"))
}
