package catalog_test

import (
	"testing"

	"github.com/supportledger/supportledger/domain/catalog"
)

func TestR28_WhatComesToLifeByItself(t *testing.T) {
	renewed := day(t, "2028-02-10")
	weeks := &catalog.Programme{Activation: catalog.ActivateAfterRenewal, AfterRenewalDays: 21}
	asked := &catalog.Programme{Activation: catalog.ActivateOnRequest}
	withCore := &catalog.Programme{Activation: catalog.ActivateWithCore}
	for rule, c := range map[string]struct {
		programme, core *catalog.Programme
		want            string
	}{
		"so many days after the renewal, over 29 February": {weeks, weeks, "2028-03-02"},
		"with the core contract":                           {withCore, weeks, "2028-03-02"},
		"not with a core contract that is asked for":       {withCore, asked, ""},
		"not what is asked for":                            {asked, weeks, ""},
		"not what is active at once":                       {&catalog.Programme{Activation: catalog.ActivateImmediately}, weeks, ""},
	} {
		if got := c.programme.ActivatesOn(c.core, renewed).String(); got != c.want {
			t.Errorf("%s: on %q, want %q", rule, got, c.want)
		}
	}
}

func TestR34_BoughtIncidentsBecomeAContractThatCoversThem(t *testing.T) {
	c := &catalog.Catalog{Programmes: []catalog.Programme{
		{ID: "pack", Covers: []string{"boxes", "clouds"}},
		{ID: "boxes", Bought: true, Covers: []string{"boxes"}},
		{ID: "all", Bought: true, Covers: []string{"boxes", "clouds"}},
	}}
	for want, families := range map[string][]string{"boxes": {"boxes"}, "all": {"clouds", "boxes"}, "": {"planes"}} {
		if p, ok := c.BoughtFor(families); ok != (want != "") || ok && p.ID != want {
			t.Errorf("%v become %v", families, p)
		}
	}
}
