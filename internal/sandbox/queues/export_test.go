package queues

// LimitInFlight lowers how many messages of a queue may be in flight, so that a test reaches the limit.
func (s *Service) LimitInFlight(n int) { s.inFlight = n }
