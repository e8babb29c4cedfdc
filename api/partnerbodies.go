package api

// What operators, partners and portals' backends send.

type partnerBody struct {
	Name      string      `json:"name" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text" doc:"Of the company" example:"Contoso"`
	Level     string      `json:"level" minLength:"1" maxLength:"64" doc:"A membership of the catalogue" example:"gold"`
	Signature bool        `json:"signature,omitempty" doc:"Whether its years come with the signature contract"`
	Country   string      `json:"country" pattern:"^[A-Z]{2}$" patternDescription:"two capital letters (ISO 3166-1)" doc:"Of the headquarters" example:"ID"`
	TimeZone  string      `json:"time_zone" minLength:"1" maxLength:"64" doc:"IANA name, of the headquarters" example:"Asia/Jakarta"`
	Contact   contactBody `json:"primary_contact" doc:"Of the headquarters"`
}

type renewalBody struct {
	RenewedOn string `json:"renewed_on" minLength:"1" maxLength:"10" doc:"The first day of the membership year" example:"2026-01-15"`
}

type locationBody struct {
	Name     string      `json:"name" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text" example:"Bandung"`
	Country  string      `json:"country" pattern:"^[A-Z]{2}$" patternDescription:"two capital letters (ISO 3166-1)" example:"ID"`
	TimeZone string      `json:"time_zone" minLength:"1" maxLength:"64" doc:"IANA name" example:"Asia/Jakarta"`
	Contact  contactBody `json:"primary_contact"`
}

type partnerContactBody struct {
	Name     string `json:"name" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text" example:"Ani Wijaya"`
	Email    string `json:"email" minLength:"3" maxLength:"254" pattern:"^[^\\s@<>(),;:\"\\\\\\x00-\\x1f\\x7f]+@[^\\s@<>(),;:\"\\\\\\x00-\\x1f\\x7f]+$" patternDescription:"an e-mail address" example:"ani@example.com"`
	Language string `json:"language,omitempty" maxLength:"35" pattern:"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$" patternDescription:"a language tag such as en or id" doc:"Of the mails; en if left out" example:"id"`
	Country  string `json:"country" pattern:"^[A-Z]{2}$" patternDescription:"two capital letters (ISO 3166-1)" doc:"Where the contact is" example:"ID"`
	Location string `json:"location,omitempty" maxLength:"64" doc:"A location's id; the headquarters if left out"`
	Primary  bool   `json:"primary,omitempty" doc:"Instead of who is the primary contact; an associated one if left out"`
}

type toolkitBody struct {
	Location   string `json:"location" minLength:"1" maxLength:"64" doc:"The location's id"`
	Competency string `json:"competency" minLength:"1" maxLength:"100" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text" doc:"That the location has earned" example:"cloud-platform"`
	Reference  string `json:"reference" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text" doc:"Of the purchase; good for one toolkit" example:"PO-4711"`
}

type purchaseRegistrationBody struct {
	Reference string `json:"reference" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text" doc:"The portal's name for the purchase" example:"ORDER-4711"`
	Account   string `json:"account" minLength:"1" maxLength:"64" doc:"The account that has bought, as GET /v1/me names it"`
	Family    string `json:"family" minLength:"1" maxLength:"100" doc:"A family of products of the catalogue, or a name for several" example:"on-premises"`
	Quantity  int64  `json:"quantity" minimum:"1" maximum:"1000000000" doc:"Incidents"`
}

type caseBody struct {
	Kind     string `json:"kind" enum:"request-ids,request-activation,other"`
	Contract string `json:"contract,omitempty" maxLength:"64" doc:"That it is about: one of the partner's, or one that is linked"`
	Text     string `json:"text" minLength:"1" maxLength:"65536" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters"`
}

type caseCloseBody struct {
	Outcome string `json:"outcome" minLength:"1" maxLength:"100" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text" doc:"A word for what became of it" example:"sent"`
	Text    string `json:"text,omitempty" maxLength:"65536" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters" doc:"The answer; never IDs, which go by mail to whom they may"`
}

type advisoryBody struct {
	Contract    string        `json:"contract" minLength:"1" maxLength:"64" doc:"One that is linked, or the partner's own"`
	Title       string        `json:"title" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text"`
	Description string        `json:"description" minLength:"1" maxLength:"65536" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters"`
	Contact     submitterBody `json:"contact"`
}

type timeBody struct {
	Entry   string `json:"entry" minLength:"1" maxLength:"100" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line of text" doc:"An id of your own for this time entry" example:"2026-03-02/1"`
	Minutes int64  `json:"minutes" minimum:"1" maximum:"1440" doc:"Whole minutes"`
	Text    string `json:"text,omitempty" maxLength:"65536" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters" doc:"What was done"`
}

type creditBody struct {
	Entry   string `json:"entry" minLength:"1" maxLength:"100" doc:"The time entry that minutes return from"`
	Minutes int64  `json:"minutes" minimum:"1" maximum:"1440"`
	Reason  string `json:"reason" minLength:"1" maxLength:"2000" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters"`
}

type adviceCloseBody struct {
	Text string `json:"text,omitempty" maxLength:"65536" pattern:"^[^\\x00]*$" patternDescription:"text without NUL characters"`
}
