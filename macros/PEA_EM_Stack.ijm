// PEA_EM_Stack.ijm - segments a stack as a volume, or slice by slice, after a look at its voxel size.
// SPDX-License-Identifier: BSD-2-Clause
//
//   input=FILE         the stack; without it the active image
//   output=FOLDER      gets NAME.tif (labels), NAME.csv (table) and NAME.png (the middle slice)
//   options=[...]      as in run("Segment Instances (PEA)...", "..."); name the model: options=[model=/data/neurons.safetensors]
//   mode=3d            as a volume (the model must be 3-D), or mode=2d: each slice alone; default what the model is
//   voxel=[4x4x40 nm]  width x height x depth and unit, if the file does not know; voxel=unknown goes on without
//   rois=yes           also NAME.zip with ROIs of every slice
//
// In Fiji: Plugins > Segmentation > PEA > Segment Stack... asks. Without a display: -macro PEA_EM_Stack.ijm 'input=... output=...'

var KEYS = "input,output,options,mode,voxel,rois";
var arguments = getArgument();
var headless = matches(call("java.awt.GraphicsEnvironment.isHeadless"), "true");

if (arguments == "" && !headless)
    arguments = ask();
message = call("org.pea.fiji.MacroCalls.check", arguments, KEYS);
if (message != "")
    stop(message);
output = value("output", "");
if (output == "")
    stop("output=FOLDER is missing; the arguments are " + KEYS);
if (!endsWith(output, "/"))
    output += "/";
options = value("options", "model=nuclei");
mode = value("mode", "");
if (mode != "")
    options += " mode=" + mode;
endings = "tif,csv,png";
rois = value("rois", "no");
if (rois == "yes")
    endings += ",zip";

setBatchMode(true);
input = value("input", "");
if (input != "") {
    message = call("org.pea.fiji.MacroCalls.open", input);
    if (message != "")
        stop(message);
} else if (nImages == 0)
    stop("no image is open; open a stack, or give input=FILE");
if (nSlices == 1)
    stop(getTitle() + " has one slice only; for single images there is Plugins > Segmentation > Segment Instances (PEA)...");
calibrate(value("voxel", ""));

getVoxelSize(width, height, depth, unit);
print(getTitle() + ": " + getWidth() + " x " + getHeight() + " x " + nSlices + " voxels of " + width + " x " + height + " x " +
    depth + " " + unit + "; a slice is as thick as " + d2s(depth / width, 1) + " pixels");
name = getTitle();
if (lastIndexOf(name, ".") > 0)
    name = substring(name, 0, lastIndexOf(name, "."));
answer = call("org.pea.fiji.MacroCalls.segment", options, output + name, endings);
if (startsWith(answer, "Error: "))
    stop(substring(answer, 7));
print(of(answer, "instances") + " instances in " + of(answer, "seconds") + " s; results in " + output);
if (!headless) {
    if (input != "")
        setBatchMode("show");
    open(output + name + ".tif");
    setBatchMode("show");
}

// A scale that is not known must not look like one: a pixel of "1 pixel" is asked about.
function calibrate(voxel) {
    getVoxelSize(width, height, depth, unit);
    unit = String.trim(unit);
    unknown = startsWith(unit, "pixel") || lengthOf(unit) == 0;
    if (voxel == "" && unknown) {
        if (headless || getArgument() != "")
            stop(getTitle() + " does not say how large a voxel is: add voxel=[4x4x40 nm], or voxel=unknown to go on without");
        voxel = getString("How large is a voxel (width x height x depth and unit)?", "4x4x40 nm");
    }
    if (voxel == "" || voxel == "unknown")
        return;
    part = split(voxel, " ");
    size = split(part[0], "x");
    if (part.length != 2 || size.length != 3)
        stop("voxel=[" + voxel + "] must be as voxel=[4x4x40 nm]");
    for (i = 0; i < 3; i++)
        if (isNaN(parseFloat(size[i])))
            stop("voxel=[" + voxel + "] must be as voxel=[4x4x40 nm]; " + size[i] + " is no number");
    setVoxelSize(parseFloat(size[0]), parseFloat(size[1]), parseFloat(size[2]), part[1]);
}

function ask() {
    Dialog.create("PEA: segment a stack");
    Dialog.addFile("Stack (empty: the active image)", "");
    Dialog.addDirectory("Results", "");
    Dialog.addString("Options", "model=nuclei", 40);
    Dialog.addChoice("Mode", newArray("what the model is", "2d", "3d"));
    Dialog.addCheckbox("ROIs", false);
    Dialog.show();
    stack = Dialog.getString();
    line = "output=[" + Dialog.getString() + "] options=[" + Dialog.getString() + "]";
    if (stack != "")
        line = "input=[" + stack + "] " + line;
    mode = Dialog.getChoice();
    if (mode == "2d" || mode == "3d")
        line += " mode=" + mode;
    if (Dialog.getCheckbox())
        line += " rois=yes";
    print("PEA_EM_Stack.ijm " + line);
    return line;
}

// The value behind key in what MacroCalls answers, "instances=3 seconds=0.5".
function of(answer, key) { return call("org.pea.fiji.MacroCalls.value", answer, key, ""); }

function value(key, otherwise) { return call("org.pea.fiji.MacroCalls.value", arguments, key, otherwise); }

function stop(message) {
    if (headless) {
        print("PEA_EM_Stack: " + message);
        call("java.lang.System.exit", "1");
    }
    exit(message);
}
