package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
)

type statementCmd struct {
	onFolder
	Contract string `arg:"" help:"The contract's id."`
	From     string `placeholder:"DATE" help:"First day, in the contract's zone; that of its term if left out."`
	To       string `placeholder:"DATE" help:"Last day; today if left out."`
	Format   string `default:"text" enum:"text,csv,json" help:"How to print it (${enum}); ${default} if left out."`
}

func (statementCmd) name() string { return "statement" }

// Run prints a statement.
func (c *statementCmd) Run(ctx context.Context, t *terminal) error { return c.do(ctx, c, t) }

func (c *statementCmd) on(ctx context.Context, h *house, t *terminal) error {
	id, err := uuid.Parse(c.Contract)
	if err != nil {
		return fmt.Errorf("%w: %q is not the id of a contract, such as 2666d29d-e0e6-8a61-815a-4befe847e4bd", errAskedWrongly, c.Contract)
	}
	from, err := day("--from", c.From)
	if err != nil {
		return err
	}
	to, err := day("--to", c.To)
	if err != nil {
		return err
	}
	s, err := h.auditor.Statement(ctx, id, from, to)
	if err != nil {
		return err
	}
	switch c.Format {
	case "csv":
		err = s.WriteCSV(t.out)
	case "json":
		err = json.NewEncoder(t.out).Encode(&s)
	default:
		err = s.WriteText(t.out)
	}
	if err != nil {
		return fmt.Errorf("print statement: %w", err)
	}
	return nil
}

// day reads a flag that is a date, or left out.
func day(flag, text string) (catalog.Date, error) {
	if text == "" {
		return catalog.Date{}, nil
	}
	d, err := catalog.ParseDate(text)
	if err != nil {
		return d, fmt.Errorf("%w: %s %q is not a date, such as 2026-03-01", errAskedWrongly, flag, text)
	}
	return d, nil
}
