package broker

// GiveUp makes the server's JetStream give up, as it does when the disk is full.
func (b *Broker) GiveUp() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current.server.DisableJetStream()
}
