package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command; all of them if left out."`
}

// Run prints what --help behind the command prints.
func (c *helpCmd) Run(parsed *kong.Context) error {
	asked, err := kong.Trace(parsed.Kong, c.Command)
	if err == nil {
		err = asked.Error
	}
	if err != nil {
		return fmt.Errorf("%w: there is no command %q: %w; supportledger help shows them", errAskedWrongly, strings.Join(c.Command, " "), err)
	}
	return asked.PrintUsage(false)
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(t *terminal) error {
	fmt.Fprintln(t.out, version())
	return nil
}
