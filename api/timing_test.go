package api

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/supportledger/supportledger/vault"
)

// The answer pair-not-valid takes as long for IDs that nobody has as for those
// of a contract that merely cannot pay (R8): both wait for the same moment. The
// two are asked for in turn, so that whatever else the machine does meets both.
func TestR8TimeTellsNothingAboutAPair(t *testing.T) {
	const floor, rounds = 25 * time.Millisecond, 60
	r := newRig(t, func(c *Config) { c.RefusalFloor = floor })
	var unknown, unable []time.Duration
	for i := range rounds {
		as := r.token(fmt.Sprint("guesser-", i), "customer")
		blank := pair(r.register(object{"programme": r.programme("SILVER")}))
		blank["portal"] = "mpn"
		nobodys := object{"access_id": fmt.Sprintf("%010d", i), "contract_id": "0000000001", "portal": "mpn"}
		unknown = append(unknown, r.refusal(as, nobodys))
		unable = append(unable, r.refusal(as, blank))
	}
	for what, times := range map[string][]time.Duration{"unknown": unknown, "unable": unable} {
		if shortest := slices.Min(times); shortest < floor {
			t.Errorf("%s: an answer after %v, before %v", what, shortest, floor)
		}
	}
	difference := (median(unknown) - median(unable)).Abs()
	t.Logf("medians of %d: unknown %v, unable %v, difference %v", rounds, median(unknown), median(unable), difference)
	if difference > floor/5 {
		t.Errorf("the medians differ by %v: unknown %v, unable %v", difference, median(unknown), median(unable))
	}
}

// Where the index has not seen everything, another account's incident is waited
// for like an unknown one, although the index knows it: time would tell that the
// number exists (R36, R37).
func TestR36_TimeTellsNothingAboutANumber(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	number := r.submit(r.ani(), c).is(201).text("number")
	r.get(r.budi(), "/v1/incidents/"+number).refuses(404, "incident-not-found") // the index has seen it
	unknown := number[:13] + "00"
	for n := 0; !isNumber(unknown) || unknown == number; n++ {
		unknown = number[:12] + fmt.Sprintf("%03d", n)
	}
	r.halt()
	r.contract() // the index will never see this
	r.get(r.ani(), "/v1/incidents/"+number).is(200)
	r.get(r.engineer(), "/v1/incidents/"+number).is(200)
	for _, n := range []string{number, unknown} {
		r.get(r.budi(), "/v1/incidents/"+n).refuses(503, "unavailable")
		r.post(r.budi(), "/v1/incidents/"+n+"/comments", object{"text": "Mine?"}).refuses(503, "unavailable")
	}
}

func isNumber(text string) bool {
	_, ok := vault.CheckNumber(text)
	return ok
}

// refusal is how long it takes to be told that a pair is not valid.
func (r *rig) refusal(as string, body object) time.Duration {
	r.t.Helper()
	began := time.Now()
	a := r.post(as, "/v1/links", body)
	took := time.Since(began)
	a.refuses(422, "pair-not-valid")
	return took
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Clone(times)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}
