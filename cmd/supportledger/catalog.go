package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/supportledger/supportledger/catalogfile"
)

type catalogCmd struct {
	File string `arg:"" help:"The YAML file, or the name of a catalogue that comes with the program."`
}

// Run checks a catalogue.
func (c *catalogCmd) Run(t *terminal) error {
	checked, err := loadCatalog(c.File)
	var mistakes catalogfile.Mistakes
	if errors.As(err, &mistakes) {
		fmt.Fprintln(t.err, err)
		return errFound
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%s: %d portals, %d products, %d programmes, %d regions; sha256 %s\ncatalog check: ok\n", checked.Vendor,
		len(checked.Portals), len(checked.Products), len(checked.Programmes), len(checked.Regions), checked.Digest)
	return nil
}

type showCmd struct {
	Name string `arg:"" default:"microsoft-2015" help:"Its name, ${default} if left out; a name that there is none of is answered with those that there are."`
}

// Run prints a catalogue as it was written.
func (c *showCmd) Run(t *terminal) error {
	text, err := catalogfile.BuiltinFile(c.Name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(t.out, strings.TrimRight(string(text), "\n")+"\n")
	return err
}
