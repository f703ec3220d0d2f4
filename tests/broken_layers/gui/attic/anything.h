// Nobody has said what may use it.
