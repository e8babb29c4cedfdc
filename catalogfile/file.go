package catalogfile

// The types below are a file's form: a key for each field, required unless
// marked optional; an embedded type's keys stand among its own. docs/catalog.md says what each means; a test keeps the two
// together.

type file struct {
	Vendor          string       `yaml:"vendor"`
	Agreement       agreement    `yaml:"agreement"`
	Families        []family     `yaml:"families"`
	Portals         []portal     `yaml:"portals"`
	Products        []product    `yaml:"products"`
	Programmes      []program    `yaml:"programmes"`
	Memberships     []membership `yaml:"memberships,optional"`
	Calendars       []calendar   `yaml:"calendars"`
	DefaultCalendar string       `yaml:"default_calendar"`
	Regions         []region     `yaml:"regions,optional"`
	Severities      []severity   `yaml:"severities"`
	ClosureCodes    []closure    `yaml:"closure_codes"`
	ReopenDays      int64        `yaml:"reopen_days"`
	ReclassifyDays  int64        `yaml:"reclassify_days"`
	FewLeft         []int64      `yaml:"few_left,optional"`
	WatchBlankDays  int64        `yaml:"watch_blank_days,optional"`
	Attachments     limits       `yaml:"attachments"`
	Resources       []resource   `yaml:"resources,optional"`
	Communities     []forum      `yaml:"communities,optional"`
}

type agreement struct {
	Version string `yaml:"version"`
	URL     string `yaml:"url"`
}

type family struct {
	ID   string   `yaml:"id"`
	Name string   `yaml:"name"`
	Of   []string `yaml:"of,optional"`
}

type portal struct {
	ID               string   `yaml:"id"`
	Name             string   `yaml:"name"`
	Address          string   `yaml:"address"`
	Families         []string `yaml:"families"`
	SignIn           string   `yaml:"sign_in"`
	SignInName       string   `yaml:"sign_in_name"`
	IDs              string   `yaml:"ids"`
	OnBehalfOf       []string `yaml:"on_behalf_of,optional"`
	PlanLabels       bool     `yaml:"plan_labels,optional"`
	AsksSubscription bool     `yaml:"asks_subscription,optional"`
	Help             []link   `yaml:"help,optional"`
}

type link struct {
	Title       string `yaml:"title"`
	URL         string `yaml:"url"`
	Language    string `yaml:"language"`
	Translation string `yaml:"translation,optional"`
	Original    string `yaml:"original,optional"`
}

type product struct {
	ID           string        `yaml:"id"`
	Name         string        `yaml:"name"`
	Family       string        `yaml:"family"`
	AsksUsage    bool          `yaml:"asks_usage,optional"`
	ProblemTypes []problemType `yaml:"problem_types"`
}

type problemType struct {
	ID         string  `yaml:"id"`
	Name       string  `yaml:"name"`
	Categories []named `yaml:"categories"`
}

type named struct {
	ID   string `yaml:"id"`
	Name string `yaml:"name"`
}

type program struct {
	ID               string     `yaml:"id"`
	Name             string     `yaml:"name"`
	Short            string     `yaml:"short"`
	PlanText         string     `yaml:"plan_text,optional"`
	Included         []included `yaml:"included,optional"`
	Bought           bool       `yaml:"bought,optional"`
	Covers           []string   `yaml:"covers"`
	Portals          []string   `yaml:"portals"`
	Activation       string     `yaml:"activation"`
	AfterRenewalDays int64      `yaml:"after_renewal_days,optional"`
	GraceDays        int64      `yaml:"grace_days,optional"`
	InternalUse      []string   `yaml:"internal_use,optional"`
}

type membership struct {
	ID        string `yaml:"id"`
	Name      string `yaml:"name"`
	Core      string `yaml:"core"`
	Signature string `yaml:"signature,optional"`
	Toolkit   string `yaml:"toolkit,optional"`
}

type included struct {
	Unit      string `yaml:"unit"`
	Quantity  int64  `yaml:"quantity,optional"`
	Unlimited bool   `yaml:"unlimited,optional"`
}

type calendar struct {
	ID        string   `yaml:"id"`
	Zone      string   `yaml:"zone"`
	Countries []string `yaml:"countries,optional"`
	Hours     week     `yaml:"hours"`
	Holidays  holidays `yaml:"holidays,optional"`
}

type week struct {
	Sunday    string `yaml:"sunday,optional"`
	Monday    string `yaml:"monday,optional"`
	Tuesday   string `yaml:"tuesday,optional"`
	Wednesday string `yaml:"wednesday,optional"`
	Thursday  string `yaml:"thursday,optional"`
	Friday    string `yaml:"friday,optional"`
	Saturday  string `yaml:"saturday,optional"`
}

type holidays struct {
	Use   []string  `yaml:"use,optional"`
	Dates []holiday `yaml:"dates,optional"`
}

type holiday struct {
	Date string `yaml:"date"`
	Name string `yaml:"name"`
}

type region struct {
	ID                 string   `yaml:"id"`
	Name               string   `yaml:"name"`
	Calendar           string   `yaml:"calendar"`
	Countries          []string `yaml:"countries"`
	ResendToAssociated bool     `yaml:"resend_to_associated"`
}

type severity struct {
	ID            string `yaml:"id"`
	Name          string `yaml:"name"`
	ResponseTime  string `yaml:"response_time"`
	BusinessHours bool   `yaml:"business_hours"`
}

type closure struct {
	ID        string `yaml:"id"`
	Name      string `yaml:"name"`
	Decrement bool   `yaml:"decrement"`
}

type limits struct {
	MaxBytes           int64    `yaml:"max_bytes"`
	MaxBytesPerAccount int64    `yaml:"max_bytes_per_account"`
	MaxPerRequest      int64    `yaml:"max_per_request"`
	Types              []string `yaml:"types"`
}

type resource struct {
	Product     string `yaml:"product,optional"`
	ProblemType string `yaml:"problem_type,optional"`
	Category    string `yaml:"category,optional"`
	link
}

type forum struct {
	Portals []string `yaml:"portals"`
	link
}
