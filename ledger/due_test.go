package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/supportledger/supportledger/internal/transcript"
	"github.com/supportledger/supportledger/ledger"
)

// An agenda that answers with errors, one after another, and then is empty.
type ailing []error

func (a *ailing) Due(context.Context, time.Time, ledger.DueContract, int) ([]ledger.DueContract, error) {
	if len(*a) == 0 {
		return nil, nil
	}
	err := (*a)[0]
	*a = (*a)[1:]
	return nil, err
}

func (*ailing) Unfinished(context.Context, int) ([]ledger.Unfinished, error) { return nil, nil }

// After an upgrade the agenda is made anew: that is told once, and is no error. What is an
// error is told as one.
func TestR45_AnAgendaThatIsMadeAnewIsWaitedFor(t *testing.T) {
	r, said := newRig(t), new(transcript.Transcript)
	l, err := ledger.New(ledger.Config{
		Store: r.store, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: r.clock, Logger: said.Logger(slog.LevelInfo),
	})
	must(t, err)
	later := fmt.Errorf("read due/1: %w", ledger.ErrLater)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		must(t, l.Attend(ctx, &ailing{later, later, errors.New("the disk is gone"), later}))
	})
	if text := said.String(); strings.Count(text, "level=INFO") != 2 || strings.Count(text, "level=ERROR") != 1 || !strings.Contains(text, "the disk is gone") {
		t.Errorf("the log says\n%s", text)
	}
}
