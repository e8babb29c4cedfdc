package main

import (
	"fmt"

	"github.com/supportledger/supportledger/vault"
)

type keysCreateCmd struct {
	File string `arg:"" type:"path" help:"The file to make; keep a safe copy of it, apart from backups."`
}

// Run makes keys, and replaces none.
func (c *keysCreateCmd) Run(t *terminal) error {
	if exists(c.File) {
		return fmt.Errorf("%s is there already: without the keys in it, data that belongs to them cannot be used", c.File)
	}
	keys := vault.Generate()
	if err := keys.Write(c.File); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "made %v in %s\n", keys, c.File)
	return nil
}

type keysRotateCmd struct {
	File string `arg:"" type:"path" help:"The keys file; old keys stay in it, so that what they sealed can be opened."`
}

// Run adds an encryption key.
func (c *keysRotateCmd) Run(t *terminal) error {
	keys, err := vault.Load(c.File)
	if err != nil {
		return err
	}
	rotated := keys.Rotate()
	if err := rotated.Write(c.File); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%v are in %s; a ledger uses them from its next start on\n", rotated, c.File)
	return nil
}
