package notifications_test

import "testing"

func TestR38_TheStreamIsTheLog(t *testing.T) {
	r := newRig(t)
	r.append(300)
	r.startFeed()
	r.caughtUp()
	r.append(50)
	r.caughtUp()
	r.mustBeTheLog()
}

func TestR38_AFeedGoesOnAfterARestart(t *testing.T) {
	r := newRig(t)
	r.append(100)
	r.startFeed()
	r.caughtUp()
	r.stopFeed()
	r.append(20)
	r.stopBroker()
	r.append(20)
	r.startBroker()
	r.startFeed()
	r.caughtUp()
	r.mustBeTheLog()
}
