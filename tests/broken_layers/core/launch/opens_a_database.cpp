const std::string digest = sha256_of_file(folder / "run.sqlite");
