package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/bench/site"
)

// mailsCatchUpRow measures how fast mails go out into the folder, each durable and
// recorded, while nobody submits.
func mailsCatchUpRow() Row {
	return Row{
		Name: "mails-catch-up", What: "mails of submissions into the folder, durable and recorded, while nobody submits", Unit: "mails/s",
		Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
			return lab.onSite(ctx, manyContracts, func(s *site.Site) (Sample, error) { return lab.mailsCatchUp(ctx, s) })
		},
	}
}

// mailsBehind is for how long submissions are made that have to be told.
const mailsBehind = time.Second / 2

func (l *Lab) mailsCatchUp(ctx context.Context, s *site.Site) (Sample, error) {
	defer asServed()()
	running, err := s.Start(ctx)
	if err != nil {
		return Sample{}, err
	}
	sample, err := l.mailsOf(ctx, running)
	return sample, errors.Join(err, running.Close())
}

func (l *Lab) mailsOf(ctx context.Context, running *site.Running) (Sample, error) {
	if err := running.SwitchMailsOn(ctx); err != nil {
		return Sample{}, err
	}
	result, err := load.Run(ctx, running.Callers(callers, manyContracts), load.Span{Measure: mailsBehind})
	if err != nil {
		return Sample{}, err
	}
	head, err := running.Store.Head(ctx)
	if err != nil {
		return Sample{}, err
	}
	began := time.Now()
	err = l.profiled(func() error {
		if err := running.StartMails(ctx); err != nil {
			return err
		}
		return running.AwaitMails(ctx, int64(head), result.Acknowledged)
	})
	took := time.Since(began)
	note := fmt.Sprintf("%s mails", count(result.Acknowledged))
	return Sample{Figure: float64(result.Acknowledged) / took.Seconds(), Note: note}, err
}

// mailsOnRow measures what mails that go out meanwhile leave of the ledger: held
// against the same without them.
func mailsOnRow() Row {
	return Row{
		Name: "mails-on", What: "in process, 512 callers, 10,000 contracts, mails into the folder", Unit: "/s",
		Targets: []Target{times(inProcessSpread, 0.9)},
		Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
			return lab.onSite(ctx, manyContracts, func(s *site.Site) (Sample, error) {
				return lab.inProcessWith(ctx, s, callers, manyContracts, rate, func(r *site.Running) error { return r.StartMails(ctx) })
			})
		},
	}
}
