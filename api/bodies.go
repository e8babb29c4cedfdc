package api

// What clients send. The tags are the rules, in /openapi.json and for huma; a
// member whose tag says omitempty may be left out.

type reasonBody struct {
	Reason string `json:"reason" minLength:"1" maxLength:"2000" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters" doc:"Why; it is recorded" example:"membership renewed"`
}

type contactBody struct {
	Name     string `json:"name" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text" example:"Ani Wijaya"`
	Email    string `json:"email" minLength:"3" maxLength:"254" pattern:"^[^\\s@<>(),;:\"\\\\\\x00-\\x1f\\x7f]+@[^\\s@<>(),;:\"\\\\\\x00-\\x1f\\x7f]+$" patternDescription:"an e-mail address" example:"ani@example.com"`
	Language string `json:"language,omitempty" maxLength:"35" pattern:"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$" patternDescription:"a language tag such as en or id" doc:"Of the mails; en if left out" example:"id"`
}

type registerBody struct {
	Programme  string      `json:"programme" minLength:"1" maxLength:"100" doc:"The programme's id in the catalogue"`
	AccessID   string      `json:"access_id,omitempty" maxLength:"64" doc:"With contract_id, or neither to have both made" example:"0230242323"`
	ContractID string      `json:"contract_id,omitempty" maxLength:"64" example:"0098765432"`
	PartnerID  string      `json:"partner_id,omitempty" maxLength:"64" pattern:"^[!-~]*$" patternDescription:"printable ASCII without spaces" example:"4648141"`
	Country    string      `json:"country,omitempty" pattern:"^([A-Z]{2})?$" patternDescription:"two capital letters (ISO 3166-1)" example:"ID"`
	TimeZone   string      `json:"time_zone,omitempty" maxLength:"64" doc:"IANA name; UTC if left out" example:"Asia/Jakarta"`
	StartsOn   string      `json:"starts_on,omitempty" maxLength:"10" doc:"First day of the term; the day of activation if left out" example:"2026-03-01"`
	Contact    contactBody `json:"primary_contact"`
}

type reissueBody struct {
	Reason string   `json:"reason" minLength:"1" maxLength:"2000" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters" doc:"Why; it is recorded"`
	Keep   []string `json:"keep_links,omitempty" maxItems:"1000" doc:"The accounts whose links the replacement keeps; none if left out"`
}

type grantBody struct {
	Unit      string `json:"unit" enum:"incident,minute"`
	Quantity  int64  `json:"quantity" minimum:"1" maximum:"1000000000"`
	ExpiresOn string `json:"expires_on,omitempty" maxLength:"10" doc:"Last day; that of the contract if left out" example:"2026-12-31"`
	Reason    string `json:"reason" minLength:"1" maxLength:"2000" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters"`
}

type adjustmentBody struct {
	Grant    string `json:"grant" pattern:"^g[1-9][0-9]{0,8}$" patternDescription:"the id of a grant such as g1" example:"g1"`
	Quantity int64  `json:"quantity" minimum:"-1000000000" maximum:"1000000000" doc:"What to add, or, negative, to take" example:"-1"`
	Reason   string `json:"reason" minLength:"1" maxLength:"2000" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters"`
}

type linkBody struct {
	AccessID   string `json:"access_id" minLength:"1" maxLength:"64" doc:"Every digit, leading zeros too" example:"0230242323"`
	ContractID string `json:"contract_id" minLength:"1" maxLength:"64" example:"0098765432"`
	Product    string `json:"product,omitempty" maxLength:"100" doc:"That the contract should pay for; any product of the portal if left out"`
	Portal     string `json:"portal" minLength:"1" maxLength:"100" example:"mpn"`
}

type submitBody struct {
	Portal       string           `json:"portal" minLength:"1" maxLength:"100" example:"mpn"`
	Product      string           `json:"product" minLength:"1" maxLength:"100"`
	Usage        string           `json:"usage,omitempty" maxLength:"100" doc:"it-professional, developer or partner, where the product asks"`
	ProblemType  string           `json:"problem_type" minLength:"1" maxLength:"100"`
	Category     string           `json:"category" minLength:"1" maxLength:"100"`
	Subscription string           `json:"subscription,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text"`
	Service      string           `json:"service,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text"`
	Payment      *paymentBody     `json:"payment,omitempty" doc:"What pays; left out where IDs are not used"`
	Contact      submitterBody    `json:"contact"`
	Severity     string           `json:"severity" minLength:"1" maxLength:"100" example:"B"`
	Title        string           `json:"title" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text"`
	Description  string           `json:"description" minLength:"1" maxLength:"65536" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters" doc:"At most 64 KiB"`
	Attachments  []attachmentBody `json:"attachments,omitempty" maxItems:"1000"`
	Agreement    *agreementBody   `json:"agreement,omitempty" doc:"The services agreement in force, which must be accepted"`
	OnBehalfOf   *onBehalfOfBody  `json:"on_behalf_of,omitempty"`
}

// paymentBody is one of a linked contract, another contract's IDs, a purchase.
type paymentBody struct {
	Contract   string        `json:"contract,omitempty" maxLength:"64" doc:"A contract that is linked"`
	AccessID   string        `json:"access_id,omitempty" maxLength:"64" doc:"Another contract, with contract_id"`
	ContractID string        `json:"contract_id,omitempty" maxLength:"64"`
	Purchase   *purchaseBody `json:"purchase,omitempty" doc:"An incident that was bought"`
}

type purchaseBody struct {
	Reference string `json:"reference" minLength:"1" maxLength:"200"`
}

type submitterBody struct {
	Name     string `json:"name" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text" example:"Ani Wijaya"`
	Email    string `json:"email" minLength:"3" maxLength:"254" pattern:"^[^\\s@<>(),;:\"\\\\\\x00-\\x1f\\x7f]+@[^\\s@<>(),;:\"\\\\\\x00-\\x1f\\x7f]+$" patternDescription:"an e-mail address" example:"ani@example.com"`
	Phone    string `json:"phone,omitempty" maxLength:"50" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text"`
	Language string `json:"language,omitempty" maxLength:"35" pattern:"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$" patternDescription:"a language tag such as en or id" example:"id"`
}

type attachmentBody struct {
	SHA256 string `json:"sha256" maxLength:"64" doc:"Of a file that this account has uploaded"`
	Name   string `json:"name" maxLength:"255" doc:"What it is called, without folders" example:"screenshot.png"`
}

type agreementBody struct {
	Version  string `json:"version,omitempty" maxLength:"100"`
	Accepted bool   `json:"accepted,omitempty"`
}

type onBehalfOfBody struct {
	Customer string `json:"customer" minLength:"1" maxLength:"200"`
}

type commentBody struct {
	Text string `json:"text" minLength:"1" maxLength:"65536" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters"`
}

type severityBody struct {
	Severity string `json:"severity" minLength:"1" maxLength:"100" example:"C"`
	Reason   string `json:"reason" minLength:"1" maxLength:"2000" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters"`
}

type resendBody struct {
	Reason string `json:"reason,omitempty" maxLength:"2000" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters" doc:"Why; it is recorded" example:"the address works again"`
}

type resendIDsBody struct {
	To     string `json:"to,omitempty" maxLength:"254" pattern:"^([^\\s@<>(),;:\"\\\\\\x00-\\x1f\\x7f]+@[^\\s@<>(),;:\"\\\\\\x00-\\x1f\\x7f]+)?$" patternDescription:"an e-mail address" doc:"Of an associated contact in the benefit's country, where the region allows it; the primary contact if left out" example:"ani@example.com"`
	Reason string `json:"reason,omitempty" maxLength:"2000" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters" doc:"Why; it is recorded"`
}

type closeBody struct {
	Closure    string `json:"closure" minLength:"1" maxLength:"100" doc:"A closure code of the catalogue; it decides whether the incident counts" example:"resolved"`
	Resolution string `json:"resolution,omitempty" maxLength:"65536" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters" doc:"How it was solved"`
}

type reclassifyBody struct {
	Closure string `json:"closure" minLength:"1" maxLength:"100" example:"product-defect"`
	Reason  string `json:"reason" minLength:"1" maxLength:"2000" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters"`
}

type erasureBody struct {
	Account  string `json:"account,omitempty" maxLength:"64" doc:"An account, as GET /v1/me and a history name it"`
	Email    string `json:"email,omitempty" maxLength:"254" doc:"A contact of contracts, by e-mail address"`
	Contract string `json:"contract,omitempty" maxLength:"64" doc:"The primary contact of this contract"`
	Reason   string `json:"reason" minLength:"1" maxLength:"2000" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters; it is recorded for ever and must not name the person"`
}

type clockBody struct {
	Now string `json:"now" minLength:"1" maxLength:"40" doc:"RFC 3339" example:"2026-03-01T00:00:00Z"`
}
