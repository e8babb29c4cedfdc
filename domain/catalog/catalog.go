// Package catalog is what a vendor sells and where, as plain values: portals,
// products, programmes, regions, severities, closure codes, calendars. Nothing
// in it is code about one vendor; package catalogfile reads it from a file.
//
// A Catalog is immutable once checked, and safe for concurrent use. Lookups
// return pointers into it, which nobody writes through. Its JSON is the answer
// to GET /v1/catalog. The package reads no clock and no file: moments and time
// zones are arguments.
package catalog

import "time"

// A Catalog is everything a decision may look up. Lists keep the file's order,
// which is the order people see.
type Catalog struct {
	Digest    string    `json:"digest"` // SHA-256 of the file, hex; stamped on every decision
	Vendor    string    `json:"vendor"`
	Agreement Agreement `json:"agreement"`

	Families     []Family      `json:"families"`
	Portals      []Portal      `json:"portals"`
	Products     []Product     `json:"products"`
	Programmes   []Programme   `json:"programmes"`
	Memberships  []Membership  `json:"memberships"` // of the vendor's partner network; none where it has no partners
	Regions      []Region      `json:"regions"`
	Severities   []Severity    `json:"severities"` // most urgent first
	ClosureCodes []ClosureCode `json:"closure_codes"`
	Resources    []Resource    `json:"resources"`
	Communities  []Community   `json:"communities"`

	DefaultCalendar  *Calendar            `json:"-"` // for countries that no calendar and no region names
	CountryCalendars map[string]*Calendar `json:"-"` // by country; goes before its region's

	ReopenDays     int   `json:"reopen_days"`      // R20, days of 24 h from closing
	ReclassifyDays int   `json:"reclassify_days"`  // R20, at least ReopenDays
	FewLeft        []int `json:"few_left"`         // R39: a mail goes out when this many are left, descending
	WatchBlankDays int   `json:"watch_blank_days"` // how long after it was promised a contract may be blank before somebody looks; 0: for ever

	Attachments AttachmentLimits `json:"attachments"`
}

// Agreement is the services agreement in force (R14).
type Agreement struct {
	Version string `json:"version"`
	URL     string `json:"url"`
}

// A Family groups products that are supported alike. A family with Of is only a
// name for those families; products are never of it, and programmes that cover
// it are read as covering those.
type Family struct {
	ID   string   `json:"id"`
	Name string   `json:"name"`
	Of   []string `json:"of,omitempty"`
}

// AnyFamily names all families wherever a list of families is asked for.
const AnyFamily = "any"

// A Portal is where requests come from.
type Portal struct {
	ID               string   `json:"id"`
	Name             string   `json:"name"`
	Address          string   `json:"address"`
	Families         []string `json:"families"`          // the product families it takes, concrete ones
	SignIn           string   `json:"sign_in"`           // the portal whose sign-in it asks for; SignInAny where any will do
	SignInName       string   `json:"sign_in_name"`      // what people call that sign-in
	IDs              string   `json:"ids"`               // IDsRequired or IDsNotUsed
	OnBehalfOf       []string `json:"on_behalf_of"`      // rights of which one allows asking for a customer (R33); none: never
	PlanLabels       bool     `json:"plan_labels"`       // contracts are shown by plan label and masked (R12)
	AsksSubscription bool     `json:"asks_subscription"` // a request names subscription and service (R14)
	Help             []Link   `json:"help"`
}

// What a portal's sign-in and IDs may be.
const (
	SignInAny   = "any"
	IDsRequired = "required"
	IDsNotUsed  = "not-used" // requests carry no payment (R15)
)

// A Link is a text elsewhere: its title and address, the language it is in, and
// where it is a translation, whose work that is and where the original lies (R24).
type Link struct {
	Title       string `json:"title"`
	URL         string `json:"url"`
	Language    string `json:"language"`              // BCP 47: "en", "pt-BR"
	Translation string `json:"translation,omitempty"` // TranslatedByHuman, TranslatedByMachine, or "" for an original
	Original    string `json:"original,omitempty"`    // address of the original of a translation
}

// Who translated a text (R24).
const (
	TranslatedByHuman   = "human"
	TranslatedByMachine = "machine"
)

// A Product is what a request is about.
type Product struct {
	ID           string        `json:"id"`
	Name         string        `json:"name"`
	Family       string        `json:"family"`     // a concrete one
	AsksUsage    bool          `json:"asks_usage"` // R14: how it is used must be said
	ProblemTypes []ProblemType `json:"problem_types"`
}

// How a product is used, where it asks (R14).
const (
	UsageITProfessional = "it-professional"
	UsageDeveloper      = "developer"
	UsagePartner        = "partner"
)

// A ProblemType groups categories of problems. Its id is unique in its product.
type ProblemType struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Categories []Category `json:"categories"`
}

// A Category is the finest kind of problem a request names. Its id is unique in
// its problem type.
type Category struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// A Programme is a kind of contract. ServiceName is what it is called to people.
type Programme struct {
	ID               string     `json:"id"`
	ServiceName      string     `json:"name"`
	Short            string     `json:"short"`
	PlanText         string     `json:"plan_text,omitempty"` // set where a portal shows plan labels (R12)
	Included         []Included `json:"included"`
	Bought           bool       `json:"bought"` // includes nothing: what was bought is granted (R34)
	Covers           []string   `json:"covers"` // product families, concrete ones
	Portals          []string   `json:"portals"`
	Activation       string     `json:"activation"`                   // one of the Activate constants
	AfterRenewalDays int        `json:"after_renewal_days,omitempty"` // with ActivateAfterRenewal: days after the renewal day (R28)
	GraceDays        int        `json:"grace_days"`                   // R5
	InternalUse      []string   `json:"internal_use,omitempty"`       // what its holder may use for its own business (R28)
}

// Activation says when a contract of a programme comes to life.
const (
	ActivateImmediately  = "immediate"
	ActivateOnRequest    = "on-request"
	ActivateThroughRSC   = "rsc"
	ActivateAfterRenewal = "after-membership-renewal"
	ActivateWithCore     = "with-core-contract"
)

// Included is what a programme grants on activation.
type Included struct {
	Unit      string `json:"unit"`               // UnitIncident or UnitMinute
	Quantity  int64  `json:"quantity,omitempty"` // 0 where Unlimited
	Unlimited bool   `json:"unlimited"`
}

// The units that grants are counted in.
const (
	UnitIncident = "incident"
	UnitMinute   = "minute" // advisory time
)

// A Region groups countries (ISO 3166 alpha-2) under a calendar and a policy.
type Region struct {
	ID                 string    `json:"id"`
	Name               string    `json:"name"`
	Countries          []string  `json:"countries"`
	Calendar           *Calendar `json:"-"`
	ResendToAssociated bool      `json:"resend_to_associated"` // R30
}

// A Severity promises a first response within Response, around the clock or in
// business hours.
type Severity struct {
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	Response      Duration `json:"response_time"`
	BusinessHours bool     `json:"business_hours"`
}

// A ClosureCode says why an incident ended and whether it stays deducted (R19).
type ClosureCode struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Decrement bool   `json:"decrement"`
}

// A Resource is a self-help text for a product, problem type and category;
// empty members match any (R24).
type Resource struct {
	Product     string `json:"product,omitempty"`
	ProblemType string `json:"problem_type,omitempty"`
	Category    string `json:"category,omitempty"`
	Link
}

// A Community is a place to ask others; shown for its portals.
type Community struct {
	Portals []string `json:"portals"`
	Link
}

// AttachmentLimits bound uploads (R26).
type AttachmentLimits struct {
	MaxBytes           int64    `json:"max_bytes"`             // of one file
	MaxBytesPerAccount int64    `json:"max_bytes_per_account"` // of all files that an account has stored
	MaxPerRequest      int      `json:"max_per_request"`
	Types              []string `json:"types"` // sniffed content types that are taken, without parameters
}

// A Calendar is when a region works.
type Calendar struct {
	ID       string
	Zone     *time.Location
	Days     [7]Hours // by time.Weekday; a zero Hours is a day off
	Holidays map[Date]string
}

// Hours is a span of one day, as clocks on the wall show it; To may be 24h.
type Hours struct{ From, To time.Duration }

// A Response is the first response promised for a request (R23).
type Response struct {
	Time  string    `json:"time"`   // ISO 8601, as in the catalogue
	Hours string    `json:"hours"`  // one of always, business
	DueAt time.Time `json:"due_at"` // when it is due
}

// The hours in which a response is counted.
const (
	ResponseAlways   = "always"
	ResponseBusiness = "business"
)
