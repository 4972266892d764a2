"""How CometBFT talks to its application: messages, framing, and both ends of the socket.

Nothing here knows the ledger. `abci.proto` names the messages of ABCI 2.0 (CometBFT v0.38),
`abci_pb2` is generated from it, `framing` cuts a stream of bytes into messages, `server` answers
them with an `Application`, and `client` asks as the consensus engine does.
"""
