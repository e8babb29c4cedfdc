package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/domain/catalog"
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
	if len(f.Issuers) == 0 {
		return nil, fmt.Errorf("read issuers: file %s lists none: leave --issuers out, or name one", path)
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

// checkIssuers refuses what could never be asserted: a mistyped name would turn
// people away, and nobody would be told why.
func checkIssuers(issuers []token.OIDC, c *catalog.Catalog) error {
	var portals, rights []string
	for _, p := range c.Portals {
		portals, rights = append(portals, p.ID), append(rights, p.OnBehalfOf...)
	}
	for _, x := range issuers {
		if err := checkIssuer(x.Issuer); err != nil {
			return err
		}
		for _, may := range []struct {
			member       string
			names, known []string
		}{{"roles", x.Policy.Roles, knownRoles}, {"portals", x.Policy.Portals, portals}, {"rights", x.Policy.Rights, rights}, {"scopes", x.Policy.Scopes, []string{token.Personal}}} {
			for _, name := range may.names {
				if name != "*" && !slices.Contains(may.known, name) {
					return fmt.Errorf("issuers: %s of %s: %q is none of %s, nor * for all", may.member, x.Issuer, name, strings.Join(may.known, " "))
				}
			}
		}
	}
	return nil
}

// checkIssuer refuses an issuer whose keys anybody on the way could replace by
// their own.
func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("issuers: issuer %q is not a URL, such as https://login.example.com", issuer)
	}
	if u.Scheme == "http" && !isLocal(u.Hostname()) {
		return fmt.Errorf("issuers: issuer %q is asked for its keys without TLS; use https (http is for this machine only)", issuer)
	}
	return nil
}
