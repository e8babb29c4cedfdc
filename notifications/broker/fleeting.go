package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Besides its durable consumer a subscriber may have a few fleeting ones, such as
// the ordered consumers of NATS's own clients: they keep nothing, and are forgotten
// when nobody pulls from them.
//
// Clients call them as they like, with a number at the end that grows whenever they
// begin again, and hold what comes to that number. A subscriber's account cannot
// import so many names, nor all: a wildcard stands for a whole word, and would let
// in to the consumers of others. So an account imports a few places. The door gives
// a new consumer one that is free, and lets its name lead there, on both sides:
//
//	in the subscriber's account   ...NEXT.LEDGER.subscriber_crm_3_17 is ...NEXT.LEDGER.place_3
//	imported as                   ledger.place.crm.3
//	in the ledger's account       ledger.place.crm.3 is ...NEXT.LEDGER.subscriber_crm_3_17
//
// Whatever a subscriber names as the way back of an answer, its places lead to its
// own consumers. No subscriber's name has an underscore, so that no consumer is
// called like one of another's, nor like the ledger's own.
const (
	maxFleeting = 4
	maxIdle     = 5 * time.Minute // what NATS's own clients ask for
)

func placeInside(place int) string { return fmt.Sprint(apiNext, "place_", place) }

func placeOutside(name string, place int) string { return fmt.Sprint(passPrefix, name, ".", place) }

// fleetingPrefix is how the fleeting consumers of a subscriber begin.
func fleetingPrefix(name string) string { return "subscriber_" + name + "_" }

// owns says whether a consumer is a subscriber's.
func (u *User) owns(consumer string) bool {
	return consumer == u.Name || strings.HasPrefix(consumer, fleetingPrefix(u.Name))
}

// mayForget refuses a fleeting consumer that would keep something.
func (u *User) mayForget(c *server.ConsumerConfig) error {
	if c.AckPolicy != server.AckNone {
		return fmt.Errorf("ack_policy must be none, as what a consumer that is not durable knows is forgotten with it: "+
			"make it durable and call it %s, or acknowledge nothing", u.Name)
	}
	if c.InactiveThreshold < 0 || c.InactiveThreshold > maxIdle {
		return fmt.Errorf("inactive_threshold must be at most %v", maxIdle)
	}
	c.MemoryStorage = true
	return nil
}

// place finds a place for a subscriber's fleeting consumer, lets its name lead
// there, and returns it. Places are taken in turn, lest one that was asked to go
// late meets the next. The caller holds one.
func (d *door) place(name, wished string) (consumer string, err error) {
	held := d.places[name]
	if held == nil {
		held = new([maxFleeting]string)
		d.places[name] = held
	}
	for range held {
		d.turn = (d.turn + 1) % maxFleeting
		free, err := d.free(held[d.turn])
		if err != nil {
			return "", err
		}
		if !free {
			continue
		}
		d.vacate(name, held[d.turn])
		consumer = fmt.Sprint(fleetingPrefix(name), d.turn, "_", serial(wished))
		if err := d.lead(name, consumer, d.turn); err != nil {
			return "", err
		}
		held[d.turn] = consumer
		return consumer, nil
	}
	return "", fmt.Errorf("you have %d consumers that are not durable: stop one, or wait until it is forgotten", maxFleeting)
}

// free says whether a place is, which a consumer had last.
func (d *door) free(consumer string) (bool, error) {
	if consumer == "" {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), doorPatience)
	defer cancel()
	_, err := d.js.Consumer(ctx, streamName, consumer)
	if gone(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a place: %w", err)
	}
	return false, nil
}

// serial is the number at the end of what a client calls its consumer.
func serial(wished string) uint64 {
	n, err := strconv.ParseUint(wished[strings.LastIndexByte(wished, '_')+1:], 10, 63)
	if err != nil {
		return 0
	}
	return n
}

// lead lets a consumer's name lead to a place, and that to it.
func (d *door) lead(name, consumer string, place int) error {
	account, err := d.gate.server.LookupAccount(accountOf(name))
	if err != nil {
		return fmt.Errorf("find the account of subscriber %s: %w", name, err)
	}
	if err := account.AddMapping(apiNext+consumer, placeInside(place)); err != nil {
		return fmt.Errorf("let %s in: %w", consumer, err)
	}
	if err := d.gate.server.GlobalAccount().AddMapping(placeOutside(name, place), apiNext+consumer); err != nil {
		return fmt.Errorf("let %s in: %w", consumer, err)
	}
	return nil
}

// vacate lets the name of a consumer that is gone lead nowhere any more. The
// caller holds one.
func (d *door) vacate(name, consumer string) {
	held := d.places[name]
	if held == nil || consumer == "" {
		return
	}
	for place := range held {
		if held[place] != consumer {
			continue
		}
		held[place] = ""
		d.gate.server.GlobalAccount().RemoveMapping(placeOutside(name, place))
		if account, err := d.gate.server.LookupAccount(accountOf(name)); err == nil {
			account.RemoveMapping(apiNext + consumer)
		}
	}
}

// fleeting are the consumers that have a subscriber's places.
func (d *door) fleeting(name string) (consumers []string) {
	if held := d.places[name]; held != nil {
		for _, consumer := range held {
			if consumer != "" {
				consumers = append(consumers, consumer)
			}
		}
	}
	return consumers
}

// show answers who asks for the stream: with what it is, and where it begins and
// ends, but not what is in it or who reads it.
func (d *door) show() ([]byte, error) {
	answer, err := d.request(apiStream, nil)
	if err != nil {
		return nil, err
	}
	var r server.JSApiStreamInfoResponse
	if err := json.Unmarshal(answer, &r); err != nil {
		return nil, fmt.Errorf("read the answer of JetStream: %w", err)
	}
	if i := r.StreamInfo; i != nil {
		r.StreamInfo = &server.StreamInfo{Created: i.Created, Config: i.Config, TimeStamp: i.TimeStamp, State: server.StreamState{
			Msgs: i.State.Msgs, FirstSeq: i.State.FirstSeq, FirstTime: i.State.FirstTime, LastSeq: i.State.LastSeq, LastTime: i.State.LastTime,
		}}
	}
	return json.Marshal(r)
}

// refusal is an answer in JetStream's own form.
func refusal(wish string, reason error) []byte {
	kind := map[string]string{
		wishCreate: server.JSApiConsumerCreateResponseType, wishInfo: server.JSApiConsumerInfoResponseType,
		wishDelete: server.JSApiConsumerDeleteResponseType, wishStream: server.JSApiStreamInfoResponseType,
	}[wish]
	body, err := json.Marshal(server.ApiResponse{Type: kind, Error: &server.ApiError{Code: 403, Description: reason.Error()}})
	if err != nil {
		return nil // two strings and a number
	}
	return body
}
