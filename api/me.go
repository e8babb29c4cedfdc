package api

func (a *API) registerMe() {}
