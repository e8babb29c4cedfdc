package mail_test

import (
	"sync"
	"testing"
	"time"

	"github.com/supportledger/supportledger/notifications/mail"
)

func TestR39_LettersShareAConnection(t *testing.T) {
	p := open(t, script{tls: true})
	s := transport(t, p.host, p.port, func(s *mail.Server) { p.trusting(s); s.Implicit = true })
	for n := range byte(45) {
		must(t, s.Send(t.Context(), rendered(t, fewLeftLetter(n))))
	}
	if len(p.letters()) != 45 || p.sessions() != 3 {
		t.Errorf("%d letters arrived over %d connections, want 45 over 3", len(p.letters()), p.sessions())
	}
	wait(t, "the first goodbye", p.left)
	wait(t, "the second goodbye", p.left)
}

func TestR39_ARefusedLetterLeavesTheConnectionForOthers(t *testing.T) {
	refuse := true
	p := open(t, script{rcpt: func(string) error {
		if refuse {
			return reply(550, "not you")
		}
		return nil
	}})
	s := transport(t, p.host, p.port, plain)
	wantError(t, s.Send(t.Context(), rendered(t, fewLeftLetter(1))), mail.Permanent, "RCPT TO", 550, "not you")
	refuse = false
	must(t, s.Send(t.Context(), rendered(t, fewLeftLetter(2))))
	if len(p.letters()) != 1 || p.sessions() != 1 {
		t.Errorf("%d letters arrived over %d connections, want 1 over 1", len(p.letters()), p.sessions())
	}
}

func TestR39_AServerThatSaysItClosesIsLeft(t *testing.T) {
	r := recite(t, map[string]string{"RCPT": "421 4.3.2 closing"})
	s := transport(t, r.host, r.port, plain)
	for range 2 {
		wantError(t, s.Send(t.Context(), rendered(t, fewLeftLetter(1))), mail.Passing, "RCPT TO", 421, "closing")
	}
	if r.said("EHLO") != 2 || r.said("RSET") != 0 {
		t.Errorf("it was asked again: %d connections, %d RSET", r.said("EHLO"), r.said("RSET"))
	}
}

func TestR39_AConnectionThatNobodyUsesIsClosed(t *testing.T) {
	r := recite(t, nil)
	p := open(t, script{})
	s := transport(t, p.host, p.port, func(s *mail.Server) { plain(s); s.Timeouts.Idle = brief })
	must(t, s.Send(t.Context(), rendered(t, fewLeftLetter(1))))
	wait(t, "the goodbye", p.left)
	must(t, s.Send(t.Context(), rendered(t, fewLeftLetter(2))))
	if p.sessions() != 2 {
		t.Errorf("%d connections, want 2", p.sessions())
	}

	polite := transport(t, r.host, r.port, plain)
	must(t, polite.Send(t.Context(), rendered(t, fewLeftLetter(1))))
	must(t, polite.Close())
	if r.said("QUIT") != 1 {
		t.Error("it left without a word")
	}
	wantError(t, polite.Send(t.Context(), rendered(t, fewLeftLetter(2))), mail.Passing, "send letter", 0, "closed")
}

func TestR39_AConnectionThatTheServerClosedIsOpenedAgain(t *testing.T) {
	for title, lines := range map[string]map[string]string{
		"it hung up":       {"RSET": hangUp},
		"it says it will":  {"RSET": "421 4.4.2 you were silent for too long"},
		"it does not know": {"RSET": "500 5.5.1 what is that"},
		"it fell silent":   {"RSET": silence},
	} {
		t.Run(title, func(t *testing.T) {
			r := recite(t, lines)
			s := transport(t, r.host, r.port, func(s *mail.Server) { plain(s); s.Timeouts.Command = 5 * brief })
			must(t, s.Send(t.Context(), rendered(t, fewLeftLetter(1))))
			must(t, s.Send(t.Context(), rendered(t, fewLeftLetter(2))))
			if r.said(".") != 2 || r.said("EHLO") != 2 {
				t.Errorf("%d letters over %d connections, want 2 over 2", r.said("."), r.said("EHLO"))
			}
		})
	}
}

func TestR39_AServerThatIgnoresGoodbyesDelaysNobodyForLong(t *testing.T) {
	r := recite(t, map[string]string{"QUIT": silence})
	s := transport(t, r.host, r.port, plain)
	must(t, s.Send(t.Context(), rendered(t, fewLeftLetter(1))))
	begun := time.Now()
	must(t, s.Close())
	if took := time.Since(begun); took > waitFor/2 {
		t.Errorf("closing took %s", took)
	}
}

func TestR39_ManySendersTakeTurns(t *testing.T) {
	p := open(t, script{starttls: true})
	s := transport(t, p.host, p.port, func(s *mail.Server) { p.trusting(s); s.Timeouts.Idle = time.Millisecond })
	var senders sync.WaitGroup
	for n := range byte(8) {
		m := rendered(t, fewLeftLetter(n))
		senders.Go(func() {
			for range 5 {
				if err := s.Send(t.Context(), m); err != nil {
					t.Error(err)
				}
			}
		})
	}
	senders.Wait()
	if len(p.letters()) != 40 {
		t.Errorf("%d letters arrived, want 40", len(p.letters()))
	}
}
