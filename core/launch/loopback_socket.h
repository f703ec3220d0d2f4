// LoopbackSocket: a listening TCP socket on 127.0.0.1, for the ranks to meet at; nothing beyond this computer can reach it.
#pragma once

namespace pipebd::launch {

class LoopbackSocket {
public:
    /// The kernel chooses the port, so there is no race for it. Throws Error{System} at once if there is none to be had.
    LoopbackSocket();
    ~LoopbackSocket();
    LoopbackSocket(const LoopbackSocket&) = delete;
    LoopbackSocket& operator=(const LoopbackSocket&) = delete;

    int descriptor() const { return descriptor_; } // close-on-exec, above 2
    int port() const { return port_; }

private:
    int descriptor_ = -1;
    int port_ = 0;
};

} // namespace pipebd::launch
