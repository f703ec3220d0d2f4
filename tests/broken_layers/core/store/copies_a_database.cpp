const std::string copy = read_file(folder / "library.sqlite");
