package esdbwire

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/google/uuid"
	"github.com/supportledger/supportledger/eventstore/esdbproto"
	"google.golang.org/grpc/metadata"
)

// serverVersion is the EventStoreDB whose behaviour is served. Clients want three
// integers.
const serverVersion = "24.6.0"

// features answers what a client asks first.
type features struct {
	serverfeatures.UnimplementedServerFeaturesServer
}

// GetSupportedMethods names the methods that are served, in lower case as the
// protocol has it.
func (features) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	method := func(service, name string, with ...string) *serverfeatures.SupportedMethod {
		return &serverfeatures.SupportedMethod{ServiceName: "event_store.client." + service, MethodName: name, Features: with}
	}
	return &serverfeatures.SupportedMethods{EventStoreServerVersion: serverVersion, Methods: []*serverfeatures.SupportedMethod{
		method("streams.streams", "read", "position", "events"),
		method("streams.streams", "append"),
		method("streams.streams", "delete"),
		method("streams.streams", "tombstone"),
		method("streams.streams", "batchappend", "deadline_duration"),
		method("gossip.gossip", "read"),
		method("server_features.serverfeatures", "getsupportedmethods"),
	}}, nil
}

// gossiper tells clients that discover a cluster about its one member.
type gossiper struct {
	gossip.UnimplementedGossipServer
	instance uuid.UUID
	address  string // of the listener
}

func newGossiper(address string) *gossiper { return &gossiper{instance: uuid.New(), address: address} }

// Read answers with the address that the client has used: it is the one that
// leads here, through whatever lies in between.
func (g *gossiper) Read(ctx context.Context, _ *shared.Empty) (*gossip.ClusterInfo, error) {
	address := g.address
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		if authority := md.Get(":authority"); len(authority) == 1 && authority[0] != "" {
			address = authority[0]
		}
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		host, text, _ = net.SplitHostPort(g.address)
	}
	port, _ := strconv.ParseUint(text, 10, 16)
	return &gossip.ClusterInfo{Members: []*gossip.MemberInfo{{
		InstanceId: esdbproto.UUID(g.instance), TimeStamp: ticks(time.Now()), State: gossip.MemberInfo_Leader, IsAlive: true,
		HttpEndPoint: &gossip.EndPoint{Address: host, Port: uint32(port)},
	}}}, nil
}
