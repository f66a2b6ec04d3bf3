//! One honest fake per port, with faults on request, and the mock model server.
