package main

import (
	"fmt"
	"os"

	"github.com/goccy/go-yaml"

	"github.com/supportledger/supportledger/api/token"
)

// issuersFile lists OpenID Connect issuers. What an issuer may not assert is
// ignored in its tokens; "*" allows everything of a kind.
type issuersFile struct {
	Issuers []struct {
		Issuer     string   `yaml:"issuer"`
		Audience   string   `yaml:"audience"`
		Algorithms []string `yaml:"algorithms"`
		Roles      []string `yaml:"roles"`
		Portals    []string `yaml:"portals"`
		Rights     []string `yaml:"rights"`
	} `yaml:"issuers"`
}

// readIssuers reads the file; mistakes are named with line and column.
func readIssuers(path string) ([]token.OIDC, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read issuers: %w", err)
	}
	var f issuersFile
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("read issuers: file %s: %w", path, err)
	}
	out := make([]token.OIDC, len(f.Issuers))
	for i, x := range f.Issuers {
		out[i] = token.OIDC{
			Issuer: x.Issuer, Audience: x.Audience, Algorithms: x.Algorithms,
			Policy: token.Policy{Roles: x.Roles, Portals: x.Portals, Rights: x.Rights},
		}
	}
	return out, nil
}
