package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// R28: a contract that was promised and is blank for longer than the catalogue wants is
// on the agenda once, since that moment, until somebody has looked at it: over kills,
// restarts, lists made anew, and pages of any size. One that comes to life by itself
// never is.
func TestR28_WhatStaysBlankIsToldOnce(t *testing.T) {
	w := &watched{now: "2027-01-15T03:00:00Z"}
	w.server = w.launch(t, t.TempDir())
	asked, late, itself := w.promised("maps", "ID", "Asia/Jakarta"), w.promised("maps", "US", "America/New_York"), w.promised("gold", "ID", "Asia/Jakarta")
	restart := func() {
		w.kill()
		w.server = w.launch(t, w.dir)
	}
	both := []string{asked + " 2027-01-29T03:00:00Z", late + " 2027-01-29T03:00:00Z"}
	w.setTo("2027-01-29T02:59:59Z")
	w.tells("a second before")
	restart()
	w.tells("a second before, killed")
	w.setTo("2027-01-29T03:00:00Z")
	w.tells("at the moment", both...)
	restart()
	w.tells("killed", both...)
	w.setTo("2027-03-15T00:00:00Z")
	w.tells("much later", both...)
	must(t, w.stop())
	succeed(t, "projections", "rebuild", "--data", w.dir, "contracts")
	w.server = w.launch(t, w.dir)
	w.tells("with lists made anew", both...)
	w.post("operator", "/v1/contracts/"+asked+"/activate", fields{"reason": "asked"}, nil, http.StatusOK)
	w.setTo(w.now)
	w.tells("when one was activated", both[1])
	w.post("operator", "/v1/contracts/"+late+"/cancel", fields{"reason": "never wanted"}, nil, http.StatusOK)
	restart()
	w.tells("when the other was cancelled")
	var is struct{ Status string }
	if w.get("operator", "/v1/contracts/"+itself, &is); is.Status != "active" {
		t.Errorf("what comes to life by itself is %s", is.Status)
	}
}

type watched struct {
	partnerStory
	now string
}

func (w *watched) launch(t *testing.T, dir string) *server {
	t.Helper()
	return launch(t, dir, "--test-clock", w.now, "--no-feed")
}

// setTo sets the clock, and waits until the lists have seen everything.
func (w *watched) setTo(now string) {
	w.t.Helper()
	w.now = now
	w.partnerStory.setTo(now)
}

// promised is the contract of a partner's membership year.
func (w *watched) promised(level, country, zone string) string {
	w.t.Helper()
	var p struct{ ID string }
	w.post("operator", "/v1/partners", fields{"name": "Contoso", "level": level, "country": country, "time_zone": zone, "primary_contact": someone("Citra")}, &p, http.StatusCreated)
	var year struct{ Contracts []pack }
	w.post("operator", "/v1/partners/"+p.ID+"/membership-renewals", fields{"renewed_on": "2027-01-14"}, &year, http.StatusCreated)
	return year.Contracts[0].ID
}

// tells holds the agenda to what somebody ought to look at, and since when.
func (w *watched) tells(when string, want ...string) {
	w.t.Helper()
	want = slices.Sorted(slices.Values(want))
	for _, limit := range []int{1, 2, 100} {
		var got []string
		for cursor := ""; ; {
			var page struct {
				Items []struct {
					At, What, Contract string
					Overdue            bool
				}
				Next string
			}
			w.get("operator", fmt.Sprintf("/v1/due?limit=%d&cursor=%s", limit, cursor), &page)
			for _, row := range page.Items {
				if row.What == "blank" {
					got = append(got, row.Contract+" "+row.At)
				}
				if row.What == "blank" && !row.Overdue {
					w.t.Errorf("%s: %s is blank for too long, and not overdue", when, row.Contract)
				}
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			w.t.Errorf("%s, in pages of %d, blank for too long are %v, want %v", when, limit, got, want)
		}
	}
}
