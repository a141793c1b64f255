// Package testnet makes a throw-away network for demonstrations and tests: two network namespaces,
// joined by a pair of virtual Ethernet interfaces, with traffic between them on request.
//
//	local namespace                     peer namespace
//	veth0 10.99.0.1 ------------------- veth1 10.99.0.2, 10.99.0.3
//
// Programs are attached to the local interface; packets are sent from the peer. Neither namespace
// has a name in the file system: they live as long as their descriptors and vanish with the
// process, however it ends. IPv6 is off and hardware addresses are known in advance, so that
// nothing but the packets that were asked for crosses the wire.
package testnet
