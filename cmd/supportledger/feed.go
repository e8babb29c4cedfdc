package main

import (
	"github.com/supportledger/supportledger/notifications"
	"github.com/supportledger/supportledger/notifications/broker"
)

// natsSettings say where the feed goes.
type natsSettings struct {
	remote   notifications.Remote // an operator's server; its own in this process where there is no URL
	replicas int
}

// openFeed makes the feed, and the NATS server that it goes to unless the
// operator has one.
func (v *service) openFeed(s natsSettings) (err error) {
	dial := s.remote.Dial
	if s.remote.URL == "" {
		if v.broker, err = broker.Open(broker.Config{Dir: v.nats(), Logger: v.log}); err != nil {
			return err
		}
		dial = v.broker.Dial
	}
	v.feed = notifications.New(notifications.Config{
		Store: v.store, Installation: v.keys.Installation(), Dial: dial, Replicas: s.replicas, Logger: v.log,
	})
	return nil
}
