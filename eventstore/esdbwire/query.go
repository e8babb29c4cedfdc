package esdbwire

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/supportledger/supportledger/eventstore"
)

// A query is what a call of Read asks for.
type query struct {
	all       bool
	stream    string // unless all
	from      place
	backwards bool
	subscribe bool
	count     uint64 // unless subscribe
	filter    *filter
	write     writer
	tellsEnd  bool // the client knows what to do with the last revision
}

// A place is where a read begins.
type place struct {
	start, end bool
	at         uint64 // a revision or a position otherwise
}

// parse reads a request, and refuses what the protocol does not allow.
func parse(req *streams.ReadReq) (*query, error) {
	o := req.GetOptions()
	q := &query{backwards: o.GetReadDirection() == streams.ReadReq_Options_Backwards, tellsEnd: o.GetControlOption().GetCompatibility() >= 1}
	switch option := o.GetStreamOption().(type) {
	case *streams.ReadReq_Options_Stream:
		q.stream = string(option.Stream.GetStreamIdentifier().GetStreamName())
		q.from = streamPlace(option.Stream)
	case *streams.ReadReq_Options_All:
		q.all = true
		var err error
		if q.from, err = allPlace(option.All); err != nil {
			return nil, err
		}
	default:
		return nil, invalidArgument("stream_option is missing: name a stream or $all")
	}
	switch option := o.GetCountOption().(type) {
	case *streams.ReadReq_Options_Count:
		q.count = option.Count
	case *streams.ReadReq_Options_Subscription:
		q.subscribe = true
	default:
		return nil, invalidArgument("count_option is missing: ask for a count or a subscription")
	}
	switch option := o.GetFilterOption().(type) {
	case *streams.ReadReq_Options_Filter:
		var err error
		if q.filter, err = newFilter(option.Filter); err != nil {
			return nil, err
		}
	case *streams.ReadReq_Options_NoFilter:
	default:
		return nil, invalidArgument("filter_option is missing: send a filter or no_filter")
	}
	switch o.GetUuidOption().GetContent().(type) {
	case *streams.ReadReq_Options_UUIDOption_String_:
		q.write.stringIDs = true
	case *streams.ReadReq_Options_UUIDOption_Structured:
	default:
		return nil, invalidArgument("uuid_option is missing: ask for structured or string")
	}
	return q, q.legal(o)
}

// legal refuses the combinations that the protocol does not have.
func (q *query) legal(o *streams.ReadReq_Options) error {
	if (q.all || q.filter == nil) && (!q.subscribe || !q.backwards) {
		return nil
	}
	return invalidArgument(fmt.Sprintf("The combination of (%T, %T, %s, %T) is invalid.",
		o.GetStreamOption(), o.GetCountOption(), o.GetReadDirection(), o.GetFilterOption()))
}

func streamPlace(o *streams.ReadReq_Options_StreamOptions) place {
	switch at := o.GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		return place{at: at.Revision}
	case *streams.ReadReq_Options_StreamOptions_End:
		return place{end: true}
	}
	return place{start: true}
}

func allPlace(o *streams.ReadReq_Options_AllOptions) (place, error) {
	switch at := o.GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Position:
		commit, prepare := at.Position.GetCommitPosition(), at.Position.GetPreparePosition()
		if commit < prepare {
			return place{}, invalidArgument("the commit position is below the prepare position")
		}
		if commit == math.MaxUint64 {
			return place{end: true}, nil
		}
		return place{at: commit}, nil
	case *streams.ReadReq_Options_AllOptions_End:
		return place{end: true}, nil
	}
	return place{start: true}, nil
}

// revision is a place in a stream, where it is one.
func (p place) revision() eventstore.Revision {
	if p.end || p.at > uint64(eventstore.LastRevision) {
		return eventstore.LastRevision
	}
	return eventstore.Revision(p.at)
}

// pageOf is how many records are looked at between two looks at the checkpoint,
// unless a filter says otherwise.
const pageOf = 32

// A filter lets some records through.
type filter struct {
	byType   bool
	regex    *regexp.Regexp // else prefixes
	prefixes []string
	window   int
	interval int // records looked at between two checkpoints
}

func newFilter(o *streams.ReadReq_Options_FilterOptions) (*filter, error) {
	f := &filter{}
	var e *streams.ReadReq_Options_FilterOptions_Expression
	switch on := o.GetFilter().(type) {
	case *streams.ReadReq_Options_FilterOptions_StreamIdentifier:
		e = on.StreamIdentifier
	case *streams.ReadReq_Options_FilterOptions_EventType:
		e, f.byType = on.EventType, true
	default:
		return nil, invalidArgument("filter is missing: filter by stream_identifier or event_type")
	}
	switch w := o.GetWindow().(type) {
	case *streams.ReadReq_Options_FilterOptions_Max:
		f.window = int(w.Max)
	case *streams.ReadReq_Options_FilterOptions_Count:
		f.window = pageOf
	default:
		return nil, invalidArgument("window is missing: send max or count")
	}
	if f.window < 1 {
		return nil, invalidArgument("max must be above 0")
	}
	f.interval = f.window * int(o.GetCheckpointIntervalMultiplier())
	f.prefixes = e.GetPrefix()
	if text := e.GetRegex(); text != "" {
		var err error
		if f.regex, err = regexp.Compile(text); err != nil {
			return nil, invalidArgument("regex: " + err.Error())
		}
	}
	return f, nil
}

// lets says whether a record passes. No filter lets everything pass.
func (f *filter) lets(r *eventstore.Record) bool {
	if f == nil {
		return true
	}
	name := r.Stream
	if f.byType {
		name = r.Type
	}
	if f.regex != nil {
		return f.regex.MatchString(name)
	}
	return slices.ContainsFunc(f.prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}
