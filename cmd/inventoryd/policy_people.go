package main

// Policies of the commands with which people ask about alerts, loads and shards.

import "inventoryd/internal/state"

// finding is the index of the rows.
func (g grants) finding() policyStatement {
	return allow("FindRows", []string{g.in("dynamodb", "table/"+g.cfg.StateTable+"/index/"+state.LookIndex)}, "dynamodb:Query")
}

// alerts lists, and makes due again what failed.
func (g grants) alerts() []policyStatement {
	c := g.cfg
	return []policyStatement{
		allow("ReadRows", g.table(c.StateTable), "dynamodb:BatchGetItem", "dynamodb:Query"),
		g.finding(),
		allow("Retry", g.table(c.StateTable), "dynamodb:UpdateItem"),
	}
}

func (g grants) resync() []policyStatement {
	return []policyStatement{allow("AskForResync", g.table(g.cfg.StateTable), "dynamodb:GetItem", "dynamodb:UpdateItem")}
}

func (g grants) audit() []policyStatement {
	c := g.cfg
	return []policyStatement{
		allow("ReadStock", g.table(c.Table.Name), "dynamodb:Scan", "dynamodb:BatchGetItem"),
		allow("ReadRows", g.table(c.StateTable), "dynamodb:BatchGetItem", "dynamodb:Query"),
		g.finding(),
	}
}

func (g grants) explain() []policyStatement {
	c := g.cfg
	return []policyStatement{
		allow("ReadItem", g.table(c.Table.Name), "dynamodb:GetItem"),
		allow("ReadRows", g.table(c.StateTable), "dynamodb:GetItem", "dynamodb:Query"),
	}
}

// dead handles changes again, as the daemon would.
func (g grants) dead() []policyStatement {
	c := g.cfg
	return []policyStatement{
		allow("OpenLetters", g.queues(c.Stream.DeadLetterQueue), "sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"),
		allow("WriteRows", g.table(c.StateTable), "dynamodb:UpdateItem", "dynamodb:PutItem"),
	}
}

// loads reads the ledger and the feeds.
func (g grants) loads() []policyStatement {
	return []policyStatement{allow("ReadLedger", g.table(g.cfg.StateTable), "dynamodb:GetItem", "dynamodb:Query")}
}

// release marks a load and sends its event again.
func (g grants) release() []policyStatement {
	return []policyStatement{
		allow("MarkReleased", g.table(g.cfg.StateTable), "dynamodb:GetItem", "dynamodb:UpdateItem"),
		allow("SendEvent", g.queues(g.cfg.Loader.Queue), "sqs:GetQueueUrl", "sqs:SendMessage"),
	}
}

// shards lists, and resets.
func (g grants) shards() []policyStatement {
	return []policyStatement{allow("KeepLeases", g.table(g.cfg.Stream.LeaseTable), "dynamodb:Query", "dynamodb:UpdateItem")}
}
