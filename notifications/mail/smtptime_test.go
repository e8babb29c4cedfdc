package mail_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/supportledger/supportledger/notifications/mail"
)

// brief is a time after which a test wants something to be given up.
const brief = 100 * time.Millisecond

func TestR39_EveryStepHasItsTime(t *testing.T) {
	for verb, step := range map[string]string{
		"": "greeting", "EHLO": "EHLO", "MAIL": "MAIL FROM", "RCPT": "RCPT TO", "DATA": "DATA", ".": "end of DATA",
	} {
		t.Run(step, func(t *testing.T) {
			r := recite(t, map[string]string{verb: silence})
			s := transport(t, r.host, r.port, func(s *mail.Server) {
				plain(s)
				if s.Timeouts.Command = brief; verb == "." {
					s.Timeouts.Command, s.Timeouts.Accept = waitFor, brief
				}
			})
			err := s.Send(t.Context(), rendered(t, fewLeftLetter(1)))
			wantError(t, err, mail.Passing, step, 0, "timeout")
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the cause is lost: %v", err)
			}
		})
	}
}

func TestR39_TLSThatFallsSilentHasItsTime(t *testing.T) {
	r := recite(t, map[string]string{"": silence})
	s := transport(t, r.host, r.port, func(s *mail.Server) {
		s.TLS, s.Implicit, s.Timeouts.Command = authority(t).client, true, brief
	})
	wantError(t, s.Send(t.Context(), rendered(t, fewLeftLetter(1))), mail.Passing, "greeting", 0, "timeout")

	r = recite(t, map[string]string{"EHLO": "250-recital.example\r\n250 STARTTLS", "STARTTLS": "220 go ahead\r\n" + silence})
	s = transport(t, r.host, r.port, func(s *mail.Server) { s.TLS, s.Timeouts.Command = authority(t).client, brief })
	if err := s.Send(t.Context(), rendered(t, fewLeftLetter(1))); mail.VerdictOf(err) != mail.Passing || !strings.HasPrefix(err.Error(), "STARTTLS: ") {
		t.Errorf("got %v", err)
	}
}

func TestR39_TheContextEndsWhateverIsWaitedFor(t *testing.T) {
	errEnough := errors.New("enough")
	for verb, step := range map[string]string{
		"": "greeting", "EHLO": "EHLO", "MAIL": "MAIL FROM", "RCPT": "RCPT TO", "DATA": "DATA", ".": "end of DATA",
	} {
		t.Run(step, func(t *testing.T) {
			r := recite(t, map[string]string{verb: silence})
			s := transport(t, r.host, r.port, plain)
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() { <-r.fallen; <-time.After(brief); cancel(errEnough) }()
			begun := time.Now()
			err := s.Send(ctx, rendered(t, fewLeftLetter(1)))
			wantError(t, err, mail.Passing, step, 0, "enough")
			if took := time.Since(begun); took > waitFor/2 {
				t.Errorf("it ended after %s", took)
			}
			if !errors.Is(err, errEnough) {
				t.Errorf("the cause is lost: %v", err)
			}
		})
	}
	r := recite(t, nil)
	s := transport(t, r.host, r.port, plain)
	over, cancel := context.WithCancelCause(t.Context())
	cancel(errEnough)
	wantError(t, s.Send(over, rendered(t, fewLeftLetter(1))), mail.Passing, "send letter", 0, "enough")
}

func TestR39_WhoWaitsForAnotherLetterCanGiveUp(t *testing.T) {
	under, goOn := make(chan struct{}), make(chan struct{})
	p := open(t, script{begin: func(io.Reader) { close(under); <-goOn }})
	s := transport(t, p.host, p.port, plain)
	var first sync.WaitGroup
	first.Go(func() { must(t, s.Send(t.Context(), rendered(t, fewLeftLetter(1)))) })
	wait(t, "the first letter", under)
	ctx, cancel := context.WithTimeout(t.Context(), brief)
	defer cancel()
	wantError(t, s.Send(ctx, rendered(t, fewLeftLetter(2))), mail.Passing, "wait for other letters", 0, "deadline")
	close(goOn)
	first.Wait()
}

// A QUIT after a letter that was cut in two would end it, and the server would
// deliver half of it.
func TestR39_ALetterThatIsCutIsNotDelivered(t *testing.T) {
	under, goOn := make(chan struct{}), make(chan struct{})
	p := open(t, script{begin: func(r io.Reader) {
		_, _ = r.Read(make([]byte, 1)) // it is on its way
		close(under)
		<-goOn
	}})
	s := transport(t, p.host, p.port, plain)
	letter := fewLeftLetter(1)
	letter.Vendor = strings.Repeat("more than the buffers of a connection hold ", 1<<17)
	ctx, cancel := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	sending.Go(func() {
		wantError(t, s.Send(ctx, rendered(t, letter)), mail.Passing, "send content", 0, "canceled")
	})
	wait(t, "the letter's beginning", under)
	cancel()
	sending.Wait()
	close(goOn)
	wait(t, "the server's end of it", p.left)
	p.note(func() {
		if len(p.arrived) != 0 || len(p.cut) != 1 {
			t.Errorf("%d letters arrived, %v were cut", len(p.arrived), p.cut)
		}
	})
}

func TestR39_ContentHasItsTime(t *testing.T) {
	goOn := make(chan struct{})
	p := open(t, script{begin: func(io.Reader) { <-goOn }})
	s := transport(t, p.host, p.port, func(s *mail.Server) { plain(s); s.Timeouts.Content = brief })
	letter := fewLeftLetter(1)
	letter.Vendor = strings.Repeat("more than the buffers of a connection hold ", 1<<17)
	wantError(t, s.Send(t.Context(), rendered(t, letter)), mail.Passing, "send content", 0, "timeout")
	close(goOn)
	wait(t, "the server's end of it", p.left)
	if len(p.letters()) != 0 {
		t.Error("a part of the letter arrived")
	}
}

// An answer that comes too late must not be taken for the answer to something
// else: the next letter would be said to have been sent.
func TestR39_AnAnswerThatComesTooLateIsNotForTheNextLetter(t *testing.T) {
	goOn := make(chan struct{})
	p := open(t, script{data: func(string) error { <-goOn; return nil }})
	s := transport(t, p.host, p.port, func(s *mail.Server) { plain(s); s.Timeouts.Accept = brief })
	wantError(t, s.Send(t.Context(), rendered(t, fewLeftLetter(1))), mail.Passing, "end of DATA", 0, "timeout")
	close(goOn)
	must(t, s.Send(t.Context(), rendered(t, fewLeftLetter(2))))
	if p.sessions() != 2 {
		t.Errorf("%d connections, want 2", p.sessions())
	}
}
