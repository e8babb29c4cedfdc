package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/internal/durably"
)

// The people of a development ledger: what each token's role is. Customers may
// sign in at every portal.
var devPeople = map[string]string{
	"operator": "operator", "engineer": "engineer", "auditor": "auditor", "service": "service", "admin": "admin",
	"customer-ani": "customer", "customer-budi": "customer", "customer-citra": "customer",
}

// devIssued stands in the tokens as the time of their making, so that the same
// key makes the same tokens at every start.
var devIssued = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)

// makeDevTokens makes a token for each of the people.
func makeDevTokens(issuer *token.Issuer, c *catalog.Catalog) (map[string]string, error) {
	tokens := make(map[string]string, len(devPeople))
	for name, role := range devPeople {
		claims := token.Claims{Subject: name, Roles: []string{role}}
		if role == "customer" {
			claims.SignIns = portalsOf(c)
		}
		raw, err := issuer.Issue(claims, devIssued)
		if err != nil {
			return nil, err
		}
		tokens[name] = raw
	}
	return tokens, nil
}

func portalsOf(c *catalog.Catalog) []string {
	var ids []string
	for i := range c.Portals {
		ids = append(ids, c.Portals[i].ID)
	}
	return ids
}

// writeDevTokens puts the tokens into the folder, readable by the owner alone.
func (v *service) writeDevTokens() error {
	tokens, err := makeDevTokens(v.issuer, v.catalog)
	if err != nil {
		return err
	}
	body, err := json.MarshalIndent(tokens, "", "  ")
	if err != nil {
		return fmt.Errorf("write tokens: %w", err)
	}
	body = append(body, '\n')
	if old, err := os.ReadFile(v.devTokens()); err == nil && bytes.Equal(old, body) {
		return os.Chmod(v.devTokens(), 0o600)
	}
	if err := durably.Replace(v.devTokens(), body); err != nil {
		return fmt.Errorf("write tokens: %w", err)
	}
	return nil
}
