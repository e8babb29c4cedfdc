package api

import (
	"net/http"
)

func (a *API) registerIncidents() {
	const tag = "Incidents"
	register(a, hotRoute, http.StatusCreated, texts{tag, "Submit an incident",
		"Creates the incident and deducts it from what pays, or does neither."}, a.submitThroughHuma)
}
